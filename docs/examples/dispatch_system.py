#!/usr/bin/env python3
"""A dispatch system in Python, for Order Dispatch: whole, but for how it finds a courier.

    AMQP_URL=amqp://... DISPATCH_DATABASE_URL=postgresql://... python3 dispatch_system.py

Needs pika and psycopg2. Several may run at the same time. docs/dispatch-system.md explains it.
"""
import json
import os
import sys
import time
import uuid
from datetime import datetime, timezone

import pika
import psycopg2

QUEUE = 'dispatch.requests'
DEAD_LETTER_QUEUE = 'dispatch.requests.dead'
ANSWERS = 'order-dispatch.acknowledgements'

# Your own tables; only the view at the end is part of the contract.
SCHEMA = """
CREATE TABLE IF NOT EXISTS stored_answers (
  request_id text PRIMARY KEY,
  order_id text NOT NULL,
  answer jsonb NOT NULL,
  answered_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE IF NOT EXISTS trips (
  trip_id bigserial PRIMARY KEY,
  order_id text NOT NULL,
  request_id text NOT NULL,
  courier text NOT NULL,
  called_back boolean NOT NULL DEFAULT false,
  changed_at timestamptz(3) NOT NULL DEFAULT now()
);
CREATE INDEX IF NOT EXISTS trips_order ON trips (order_id);
-- At most one courier is on the way for an order.
CREATE UNIQUE INDEX IF NOT EXISTS trips_live ON trips (order_id) WHERE NOT called_back;

CREATE OR REPLACE VIEW order_dispatch_dispatches_v1 AS
  SELECT order_id, request_id, courier AS courier_id,
    CASE WHEN called_back THEN 'withdrawn' ELSE 'live' END AS status,
    changed_at AS updated_at
  FROM trips;
"""


class Malformed(Exception):
    """A message that no retry can mend."""


def choose_courier(order):
    """Yours. Returns a courier, or a rejection: {'rejectionCode': ..., 'retryAfterMs': ...}."""
    return 'bike-' + order['restaurantId']


def may_still_turn_back(courier):
    """Yours. Whether the courier can be called back."""
    return True


def answer_request(sql, request):
    request_id, order_id = request['requestId'], request['orderId']
    withdrawal_id = order_id + '.withdrawal'
    # 1. A repeat gets the answer that it got before.
    stored = stored_answers(sql, request_id, withdrawal_id)
    if request_id in stored:
        return stored[request_id]
    # 2. A new request for an order that has its courier is accepted with that courier.
    courier = live_courier(sql, order_id)
    if courier is not None:
        return store(sql, request, outcome='accepted', courierId=courier)
    # 3. Its withdrawal was quicker.
    if stored.get(withdrawal_id, {}).get('outcome') == 'withdrawn':
        return store(sql, request, outcome='rejected', rejectionCode='withdrawn')
    # 4. It comes too late.
    if parse_time(request['dispatchBy']) <= datetime.now(timezone.utc):
        return store(sql, request, outcome='rejected', rejectionCode='expired')
    # 5. Only now it is decided.
    choice = choose_courier(request['order'])
    if isinstance(choice, dict):
        return store(sql, request, outcome='rejected', **choice)
    sql.execute(
        'INSERT INTO trips (order_id, request_id, courier) VALUES (%s, %s, %s)',
        (order_id, request_id, choice),
    )
    return store(sql, request, outcome='accepted', courierId=choice)


def answer_withdrawal(sql, withdrawal):
    request_id, order_id = withdrawal['requestId'], withdrawal['orderId']
    stored = stored_answers(sql, request_id)
    if request_id in stored:
        return stored[request_id]
    courier = live_courier(sql, order_id)
    if courier is not None and not may_still_turn_back(courier):
        return store(sql, withdrawal, outcome='withdrawalRefused', courierId=courier)
    sql.execute(
        'UPDATE trips SET called_back = true, changed_at = now()'
        ' WHERE order_id = %s AND NOT called_back',
        (order_id,),
    )
    # Stored also where no courier was on the way: the request may still come.
    return store(sql, withdrawal, outcome='withdrawn')


def stored_answers(sql, *request_ids):
    sql.execute(
        'SELECT request_id, answer FROM stored_answers WHERE request_id IN %s', (request_ids,)
    )
    return dict(sql.fetchall())


def live_courier(sql, order_id):
    sql.execute('SELECT courier FROM trips WHERE order_id = %s AND NOT called_back', (order_id,))
    row = sql.fetchone()
    return row and row[0]


def store(sql, message, **answer):
    # A field that does not apply is left out; null is not valid.
    answer = {
        'requestId': message['requestId'],
        'orderId': message['orderId'],
        'decidedAt': now(),
        **answer,
    }
    sql.execute(
        'INSERT INTO stored_answers (request_id, order_id, answer) VALUES (%s, %s, %s)',
        (answer['requestId'], answer['orderId'], json.dumps(answer)),
    )
    return answer


def parse_time(text):
    return datetime.fromisoformat(text.replace('Z', '+00:00'))


def parse(properties, body):
    """Reads a message. Fields that it does not know are left alone."""
    needed = {
        'dispatch.request.v1': ['requestId', 'orderId', 'dispatchBy', 'order'],
        'dispatch.withdraw.v1': ['requestId', 'orderId'],
    }.get(properties.type)
    if needed is None:
        raise Malformed(f'unknown message type {properties.type!r}')
    try:
        message = json.loads(body)
        missing = [field for field in needed if field not in message]
    except (ValueError, TypeError):
        raise Malformed('the body is not a JSON object') from None
    if missing:
        raise Malformed('missing: ' + ', '.join(missing))
    return message


class DispatchSystem:
    def __init__(self, amqp_url, database_url):
        self.database_url = database_url
        self.database = None
        self.broker = pika.BlockingConnection(pika.URLParameters(amqp_url))
        self.consuming = self.broker.channel()
        self.consuming.basic_qos(prefetch_count=20)
        self.publishing = self.broker.channel()
        self.publishing.confirm_delivery()

    def run(self):
        self.in_transaction('schema', lambda sql: sql.execute(SCHEMA))
        # The worker declares all exchanges and queues. Without it this fails: start it first.
        self.consuming.queue_declare(QUEUE, passive=True)
        print('ready', flush=True)
        for method, properties, body in self.consuming.consume(QUEUE):
            self.handle(properties, body)
            # Last of all: what the message asks for is committed, and its answer confirmed.
            self.consuming.basic_ack(method.delivery_tag)

    def handle(self, properties, body):
        failures = []
        while True:
            try:
                return self.publish_answer(self.answer(properties, body), properties)
            except pika.exceptions.AMQPError:
                raise  # Ends the process, and the broker delivers the message again.
            except (psycopg2.OperationalError, psycopg2.InterfaceError) as error:
                # The database is away. That says nothing about the message: it is held.
                print('waiting for the database:', error, file=sys.stderr, flush=True)
                self.database = None
                self.broker.sleep(1)
            except Exception as error:
                print('failed:', repr(error), file=sys.stderr, flush=True)
                failures.append(now())
                if isinstance(error, Malformed) or len(failures) == 5:
                    return self.publish_dead_letter(error, failures, properties, body)
                self.broker.sleep(2 ** (len(failures) - 1))

    def answer(self, properties, body):
        message = parse(properties, body)
        answer = answer_request if properties.type == 'dispatch.request.v1' else answer_withdrawal
        return self.in_transaction(message['orderId'], lambda sql: answer(sql, message))

    def in_transaction(self, locked, work):
        """Commits what `work` does, alone with the order: its withdrawal may come at the same time."""
        self.database = self.database or psycopg2.connect(self.database_url)
        with self.database, self.database.cursor() as sql:
            sql.execute('SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))', (locked,))
            return work(sql)

    def publish_answer(self, answer, asked):
        properties = pika.BasicProperties(
            type='dispatch.acknowledgement.v1',
            message_id=str(uuid.uuid4()),
            correlation_id=answer['requestId'],
            content_type='application/json',
            timestamp=int(time.time()),
            app_id='dispatch-system',
            headers={'traceparent': (asked.headers or {}).get('traceparent', '')},
        )
        self.publish(ANSWERS, asked.reply_to or '', properties, json.dumps(answer))

    def publish_dead_letter(self, error, failures, properties, body):
        properties.headers = {
            **(properties.headers or {}),
            # Only its kind where the message of the error could quote the order.
            'deadLetterReason': f'MalformedMessage: {error}'
            if isinstance(error, Malformed)
            else type(error).__name__,
            'firstFailedAt': failures[0],
            'lastFailedAt': failures[-1],
            'attempts': len(failures),
            'sourceQueue': QUEUE,
        }
        self.publish('', DEAD_LETTER_QUEUE, properties, body)

    def publish(self, exchange, routing_key, properties, body):
        """Returns when the broker has confirmed the message; fails where no queue took it."""
        properties.delivery_mode = 2
        self.publishing.basic_publish(exchange, routing_key, body, properties, mandatory=True)


def now():
    return datetime.now(timezone.utc).isoformat()


if __name__ == '__main__':
    try:
        DispatchSystem(os.environ['AMQP_URL'], os.environ['DISPATCH_DATABASE_URL']).run()
    except KeyboardInterrupt:
        pass
