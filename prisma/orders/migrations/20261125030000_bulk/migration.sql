-- One decision about many human tasks: the run, and the set of tasks that was frozen when it began.
CREATE TABLE "bulk_runs" (
    "id" SERIAL NOT NULL,
    "actor" TEXT NOT NULL,
    "via" TEXT NOT NULL,
    "note" TEXT NOT NULL,
    "decision" TEXT NOT NULL,
    -- Which tasks were asked for, for people to read.
    "filter" JSONB NOT NULL,
    "rate_per_second" INTEGER NOT NULL,
    "state" TEXT NOT NULL DEFAULT 'running',
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "ended_at" TIMESTAMPTZ(3),
    "aborted_by" TEXT,
    "abort_note" TEXT,

    CONSTRAINT "bulk_runs_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "bulk_runs_state_check" CHECK ("state" IN ('running', 'done', 'canaryFailed', 'aborted')),
    CONSTRAINT "bulk_runs_ended_check" CHECK (("state" = 'running') = ("ended_at" IS NULL))
);

CREATE INDEX "bulk_runs_created_at_idx" ON "bulk_runs"("created_at");

CREATE TABLE "bulk_rows" (
    "bulk_id" INTEGER NOT NULL,
    -- From 1; the update that resolves the task has the ID <bulk_id>/<n>.
    "n" INTEGER NOT NULL,
    "task_id" TEXT NOT NULL,
    "opened_at" TIMESTAMPTZ(3) NOT NULL,
    "order_id" TEXT,
    "escalation_reason" TEXT NOT NULL,
    "state" TEXT NOT NULL DEFAULT 'pending',
    -- What came of it, where it was not resolved.
    "outcome" TEXT,
    "ended_at" TIMESTAMPTZ(3),

    CONSTRAINT "bulk_rows_pkey" PRIMARY KEY ("bulk_id", "n"),
    CONSTRAINT "bulk_rows_state_check" CHECK ("state" IN ('pending', 'resolved', 'refused', 'failed', 'skipped')),
    CONSTRAINT "bulk_rows_bulk_id_fkey" FOREIGN KEY ("bulk_id") REFERENCES "bulk_runs"("id") ON DELETE CASCADE ON UPDATE RESTRICT
);

CREATE INDEX "bulk_rows_pending_idx" ON "bulk_rows"("bulk_id", "n") WHERE "state" = 'pending';
CREATE INDEX "bulk_rows_order_id_idx" ON "bulk_rows"("order_id");

-- How many runs an erasure blanked something of.
ALTER TABLE "erasures" ADD COLUMN "bulk_runs" INTEGER NOT NULL DEFAULT 0;
