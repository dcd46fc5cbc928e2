CREATE TABLE "repairs" (
    "id" BIGSERIAL NOT NULL,
    "order_id" TEXT NOT NULL,
    "found" TEXT NOT NULL,
    "done" TEXT NOT NULL,
    "before" JSONB NOT NULL,
    "after" JSONB NOT NULL,
    "provenance" TEXT NOT NULL,
    "actor" TEXT,
    "note" TEXT,
    "run_id" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "repairs_pkey" PRIMARY KEY ("id")
);

CREATE INDEX "repairs_order_id_idx" ON "repairs"("order_id");
CREATE UNIQUE INDEX "repairs_run_id_key" ON "repairs"("run_id");

CREATE TABLE "dead_letters" (
    "id" BIGSERIAL NOT NULL,
    "fingerprint" TEXT NOT NULL,
    "source_queue" TEXT NOT NULL,
    "message_id" TEXT NOT NULL,
    "type" TEXT NOT NULL,
    "app_id" TEXT NOT NULL,
    "order_id" TEXT,
    "dead_letter_reason" TEXT NOT NULL,
    "properties" JSONB NOT NULL,
    "headers" JSONB NOT NULL,
    "content" BYTEA NOT NULL,
    "attempts" INTEGER NOT NULL,
    "first_failed_at" TIMESTAMPTZ(3) NOT NULL,
    "last_failed_at" TIMESTAMPTZ(3) NOT NULL,
    "state" TEXT NOT NULL DEFAULT 'open',
    "decided_by" TEXT,
    "decision_note" TEXT,
    "decided_at" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "dead_letters_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "dead_letters_state_check" CHECK ("state" IN ('open', 'replayed', 'discarded'))
);

CREATE UNIQUE INDEX "dead_letters_fingerprint_key" ON "dead_letters"("fingerprint");
CREATE INDEX "dead_letters_state_dead_letter_reason_idx" ON "dead_letters"("state", "dead_letter_reason");
CREATE INDEX "dead_letters_order_id_idx" ON "dead_letters"("order_id");
