-- People's work: what waits for them, what they did, and what the world is told of it.

-- The last act of a person about the order, written in the same statement as what it changed:
-- {"act", "decision"?, "actor", "via", "note", "at"}. The trigger below makes its audit row of it.
ALTER TABLE "orders" ADD COLUMN "last_act" JSONB;
-- The workflow whose human task is open, where it is not the order's own dispatch.
ALTER TABLE "orders" ADD COLUMN "task_id" TEXT;

CREATE TABLE "human_tasks" (
    "task_id" TEXT NOT NULL,
    "opened_at" TIMESTAMPTZ(3) NOT NULL,
    "kind" TEXT NOT NULL,
    "order_id" TEXT,
    "restaurant_id" TEXT,
    "escalation_reason" TEXT NOT NULL,
    "due_at" TIMESTAMPTZ(3) NOT NULL,
    "overdue_at" TIMESTAMPTZ(3) NOT NULL,
    "told_due_at" TIMESTAMPTZ(3),
    "told_overdue_at" TIMESTAMPTZ(3),
    "closed_at" TIMESTAMPTZ(3),
    "closed_by" TEXT,
    "decision" TEXT,
    "actor" TEXT,
    "via" TEXT,
    "note" TEXT,
    "claimed_by" TEXT,
    "claimed_until" TIMESTAMPTZ(3),
    "snoozed_until" TIMESTAMPTZ(3),

    CONSTRAINT "human_tasks_pkey" PRIMARY KEY ("task_id", "opened_at"),
    CONSTRAINT "human_tasks_kind_check" CHECK ("kind" IN ('order', 'withdrawal', 'discrepancy', 'health')),
    CONSTRAINT "human_tasks_closed_by_check" CHECK ("closed_by" IN ('person', 'answer', 'cancellation')),
    CONSTRAINT "human_tasks_closed_check" CHECK (("closed_at" IS NULL) = ("closed_by" IS NULL))
);

CREATE INDEX "human_tasks_open_idx" ON "human_tasks"("escalation_reason", "opened_at") WHERE "closed_at" IS NULL;
CREATE INDEX "human_tasks_order_id_idx" ON "human_tasks"("order_id");
CREATE INDEX "human_tasks_opened_at_idx" ON "human_tasks"("opened_at");

-- Append-only: who did what, when and why, whichever way it came.
CREATE TABLE "audit" (
    "id" BIGSERIAL NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "act" TEXT NOT NULL,
    "actor" TEXT NOT NULL,
    "via" TEXT NOT NULL,
    "note" TEXT,
    "order_id" TEXT,
    "task_id" TEXT,
    "decision" TEXT,
    "facts" JSONB,
    -- <workflow run>/<activity> that recorded it, where one did: once, however often it runs.
    "run_id" TEXT UNIQUE,

    CONSTRAINT "audit_pkey" PRIMARY KEY ("id")
);

CREATE INDEX "audit_order_id_idx" ON "audit"("order_id");
CREATE INDEX "audit_at_idx" ON "audit"("at");
CREATE INDEX "audit_actor_idx" ON "audit"("actor", "at");

CREATE FUNCTION refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  -- Retention and erasure say so, for their own transaction alone.
  IF current_setting('order_dispatch.keeping', true) IN ('retention', 'erasure') THEN
    RETURN COALESCE(NEW, OLD);
  END IF;
  RAISE EXCEPTION 'the audit is append-only';
END $$;

CREATE TRIGGER "audit_is_append_only" BEFORE UPDATE OR DELETE ON "audit"
  FOR EACH ROW EXECUTE FUNCTION refuse_audit_change();
CREATE TRIGGER "audit_is_not_truncated" BEFORE TRUNCATE ON "audit"
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change();

-- What others are told, in the order in which it came to be.
CREATE TABLE "outcome_events" (
    "id" BIGSERIAL NOT NULL,
    "event_id" UUID NOT NULL DEFAULT gen_random_uuid(),
    -- What keeps its order: the order ID, or the task ID of a task that is about no order.
    "subject" TEXT NOT NULL,
    "type" TEXT NOT NULL,
    "body" JSONB NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "sent_at" TIMESTAMPTZ(3),

    CONSTRAINT "outcome_events_pkey" PRIMARY KEY ("id")
);

CREATE INDEX "outcome_events_unsent_idx" ON "outcome_events"("subject", "id") WHERE "sent_at" IS NULL;
CREATE INDEX "outcome_events_created_at_idx" ON "outcome_events"("created_at");

-- Tasks, audit and events follow the order's row, in the transaction of the change. A trigger, since
-- a statement of several parts would not see a row that another transaction commits while it waits.
CREATE FUNCTION follow_order() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  was_open BOOLEAN := TG_OP = 'UPDATE' AND OLD.escalation_reason IS NOT NULL;
  is_open BOOLEAN := NEW.escalation_reason IS NOT NULL;
  is_same BOOLEAN := TG_OP = 'UPDATE'
    AND OLD.escalation_reason IS NOT DISTINCT FROM NEW.escalation_reason
    AND OLD.escalated_at IS NOT DISTINCT FROM NEW.escalated_at;
  act JSONB := CASE WHEN TG_OP = 'UPDATE' AND NEW.last_act IS DISTINCT FROM OLD.last_act
    THEN NEW.last_act END;
  own_task TEXT := COALESCE(NEW.task_id, 'dispatch-order/' || NEW.order_id);
  opened TIMESTAMPTZ := COALESCE(NEW.escalated_at, NEW.created_at);
  closed_opened TIMESTAMPTZ;
  closed_task TEXT;
  ended_by TEXT;
BEGIN
  IF was_open AND NOT is_same THEN
    closed_opened := COALESCE(OLD.escalated_at, OLD.created_at);
    closed_task := COALESCE(OLD.task_id, 'dispatch-order/' || NEW.order_id);
    ended_by := CASE act ->> 'act'
      WHEN 'resolve' THEN 'person' WHEN 'cancel' THEN 'cancellation' ELSE 'answer' END;
    UPDATE human_tasks SET closed_at = clock_timestamp(), closed_by = ended_by,
      decision = act ->> 'decision', actor = act ->> 'actor', via = act ->> 'via', note = act ->> 'note'
    WHERE task_id = closed_task AND opened_at = closed_opened AND closed_at IS NULL;
    INSERT INTO outcome_events (subject, type, body) VALUES (NEW.order_id, 'human-task.closed.v1',
      jsonb_strip_nulls(jsonb_build_object('taskId', closed_task, 'orderId', NEW.order_id,
        'openedAt', to_char(closed_opened AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
        'escalationReason', OLD.escalation_reason, 'closedBy', ended_by, 'decision', act ->> 'decision')));
  END IF;
  IF act IS NOT NULL THEN
    INSERT INTO audit (act, actor, via, note, order_id, task_id, decision)
    VALUES (act ->> 'act', act ->> 'actor', act ->> 'via', act ->> 'note', NEW.order_id, closed_task,
      act ->> 'decision');
  END IF;
  IF TG_OP = 'INSERT' OR OLD.status IS DISTINCT FROM NEW.status THEN
    IF NEW.status IN ('dispatched', 'cancelled') THEN
      INSERT INTO outcome_events (subject, type, body) VALUES (NEW.order_id,
        'order.' || NEW.status || '.v1',
        jsonb_strip_nulls(jsonb_build_object('orderId', NEW.order_id, 'status', NEW.status,
          'courierId', CASE WHEN NEW.status = 'dispatched' THEN NEW.courier_id END,
          'dispatchedBy', CASE WHEN NEW.status = 'dispatched' THEN NEW.dispatched_by END,
          'rejectionCode', CASE WHEN NEW.status = 'cancelled' THEN NEW.rejection_code END)));
    END IF;
  END IF;
  IF is_open AND NOT is_same THEN
    INSERT INTO human_tasks (task_id, opened_at, kind, order_id, restaurant_id, escalation_reason, due_at,
      overdue_at)
    VALUES (own_task, opened,
      CASE WHEN NEW.status = 'escalated' THEN 'order' ELSE 'withdrawal' END,
      NEW.order_id, NEW."order" ->> 'restaurantId', NEW.escalation_reason,
      opened + COALESCE((NEW.policy ->> 'taskDueMs')::float8, 180000) * interval '1 ms',
      opened + COALESCE((NEW.policy ->> 'taskOverdueMs')::float8, 600000) * interval '1 ms')
    ON CONFLICT DO NOTHING;
    INSERT INTO outcome_events (subject, type, body) VALUES (NEW.order_id, 'order.escalated.v1',
      jsonb_strip_nulls(jsonb_build_object('orderId', NEW.order_id, 'status', NEW.status,
        'taskId', own_task, 'escalationReason', NEW.escalation_reason,
        'rejectionCode', NEW.rejection_code)));
  END IF;
  RETURN NULL;
END $$;

CREATE TRIGGER "orders_are_followed" AFTER INSERT ON "orders"
  FOR EACH ROW WHEN (NEW.status IN ('dispatched', 'cancelled') OR NEW.escalation_reason IS NOT NULL)
  EXECUTE FUNCTION follow_order();
CREATE TRIGGER "orders_changes_are_followed" AFTER UPDATE OF "status", "escalation_reason", "escalated_at", "last_act" ON "orders"
  FOR EACH ROW WHEN (OLD.status IS DISTINCT FROM NEW.status
    OR OLD.escalation_reason IS DISTINCT FROM NEW.escalation_reason
    OR OLD.escalated_at IS DISTINCT FROM NEW.escalated_at
    OR OLD.last_act IS DISTINCT FROM NEW.last_act)
  EXECUTE FUNCTION follow_order();

-- What waits for a person already. Findings are added by the first sweep that meets them.
INSERT INTO "human_tasks" ("task_id", "opened_at", "kind", "order_id", "restaurant_id", "escalation_reason",
  "due_at", "overdue_at")
SELECT 'dispatch-order/' || "order_id", COALESCE("escalated_at", "created_at"),
  CASE WHEN "status" = 'escalated' THEN 'order' ELSE 'withdrawal' END, "order_id", "order" ->> 'restaurantId',
  "escalation_reason", COALESCE("escalated_at", "created_at") + interval '3 minutes',
  COALESCE("escalated_at", "created_at") + interval '10 minutes'
FROM "orders" WHERE "escalation_reason" IS NOT NULL;

-- What each health check saw.
CREATE TABLE "health_reports" (
    "id" BIGSERIAL NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "report" JSONB NOT NULL,

    CONSTRAINT "health_reports_pkey" PRIMARY KEY ("id")
);

CREATE INDEX "health_reports_at_idx" ON "health_reports"("at");

-- What is not final, for the health check; few rows at any time.
CREATE INDEX "orders_unfinished_idx" ON "orders"("status", "created_at")
  WHERE "status" IN ('placed', 'escalated', 'cancelling');
