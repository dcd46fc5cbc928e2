CREATE TABLE "orders" (
    "order_id" TEXT NOT NULL,
    "content_hash" TEXT NOT NULL,
    "order" JSONB NOT NULL,
    "policy" JSONB NOT NULL,
    "status" TEXT NOT NULL DEFAULT 'placed',
    "request_number" INTEGER NOT NULL DEFAULT 1,
    "attempts" INTEGER NOT NULL DEFAULT 0,
    "dispatch_by" TIMESTAMPTZ(3) NOT NULL,
    "courier_id" TEXT,
    "dispatched_by" TEXT,
    "rejection_code" TEXT,
    "escalation_reason" TEXT,
    "escalated_at" TIMESTAMPTZ(3),
    "decision" TEXT,
    "decided_by" TEXT,
    "decision_note" TEXT,
    "decided_at" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "orders_pkey" PRIMARY KEY ("order_id"),
    CONSTRAINT "orders_status_check"
        CHECK ("status" IN ('placed', 'escalated', 'cancelling', 'dispatched', 'cancelled')),
    CONSTRAINT "orders_dispatched_check"
        CHECK ("status" <> 'dispatched' OR ("courier_id" IS NOT NULL AND "dispatched_by" IN ('acknowledgement', 'person')))
);

CREATE TABLE "acknowledgements" (
    "id" BIGSERIAL NOT NULL,
    "message_id" TEXT NOT NULL,
    "request_id" TEXT NOT NULL,
    "order_id" TEXT NOT NULL,
    "outcome" TEXT NOT NULL,
    "courier_id" TEXT,
    "rejection_code" TEXT,
    "retry_after_ms" INTEGER,
    "detail" TEXT,
    "decided_at" TIMESTAMPTZ(3) NOT NULL,
    "class" TEXT NOT NULL,
    "received_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "acknowledgements_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "acknowledgements_outcome_check"
        CHECK ("outcome" IN ('accepted', 'rejected', 'withdrawn', 'withdrawalRefused')),
    CONSTRAINT "acknowledgements_class_check"
        CHECK ("class" IN ('unknownOrder', 'unknownRequest', 'duplicate', 'conflicting', 'late', 'first'))
);

CREATE INDEX "acknowledgements_order_id_idx" ON "acknowledgements"("order_id");

-- At most one acknowledgement of a request is applied: the backstop of the consumer's statement.
CREATE UNIQUE INDEX "acknowledgements_first_key" ON "acknowledgements"("request_id") WHERE "class" = 'first';
