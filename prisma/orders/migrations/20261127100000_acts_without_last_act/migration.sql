-- As before, but for the act: a worker of 0.1.0 knows no `last_act`, and says who decided what in the
-- columns of the decision alone. While it runs beside newer ones, what it writes is in the audit, too.
CREATE OR REPLACE FUNCTION follow_order() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  was_open BOOLEAN := TG_OP = 'UPDATE' AND OLD.escalation_reason IS NOT NULL;
  is_open BOOLEAN := NEW.escalation_reason IS NOT NULL;
  is_same BOOLEAN := TG_OP = 'UPDATE'
    AND OLD.escalation_reason IS NOT DISTINCT FROM NEW.escalation_reason
    AND OLD.escalated_at IS NOT DISTINCT FROM NEW.escalated_at;
  act JSONB := CASE
    WHEN TG_OP = 'INSERT' THEN NULL
    WHEN NEW.last_act IS DISTINCT FROM OLD.last_act THEN NEW.last_act
    WHEN NEW.decided_at IS DISTINCT FROM OLD.decided_at AND NEW.decided_by IS NOT NULL THEN
      jsonb_build_object('act', CASE NEW.decision WHEN 'cancel' THEN 'cancel' ELSE 'resolve' END,
        'decision', NEW.decision, 'actor', NEW.decided_by, 'via', 'temporal', 'note', NEW.decision_note)
  END;
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
