-- An event is published outside of any transaction: nobody else takes it before this. Once the broker refused it, it
-- is the end of the pause before the next try.
ALTER TABLE "outcome_events" ADD COLUMN "not_before" TIMESTAMPTZ(3);
-- How often the broker refused it.
ALTER TABLE "outcome_events" ADD COLUMN "failures" INTEGER NOT NULL DEFAULT 0;
