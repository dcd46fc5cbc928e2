-- What the relay of outcome events asks for, over and over.

-- Why an event can never be published: the relay leaves it to people and goes on with the others.
ALTER TABLE "outcome_events" ADD COLUMN "refusal" TEXT;

-- The oldest first, however many wait.
CREATE INDEX "outcome_events_to_send_idx" ON "outcome_events"("id")
  WHERE "sent_at" IS NULL AND "refusal" IS NULL;

-- When somebody is to be told of an open task next. GREATEST leaves NULL out: most are not snoozed.
CREATE INDEX "human_tasks_tell_idx" ON "human_tasks"
  (GREATEST(CASE WHEN "told_due_at" IS NULL THEN "due_at" ELSE "overdue_at" END, "snoozed_until"))
  WHERE "closed_at" IS NULL AND "told_overdue_at" IS NULL;
