CREATE TABLE "inbox" (
    "request_id" TEXT NOT NULL,
    "order_id" TEXT NOT NULL,
    "answer" JSONB NOT NULL,
    "received_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "inbox_pkey" PRIMARY KEY ("request_id")
);

CREATE INDEX "inbox_order_id_idx" ON "inbox"("order_id");

CREATE TABLE "dispatches" (
    "id" BIGSERIAL NOT NULL,
    "order_id" TEXT NOT NULL,
    "request_id" TEXT NOT NULL,
    "content_hash" TEXT NOT NULL,
    "courier_id" TEXT NOT NULL,
    "status" TEXT NOT NULL DEFAULT 'live',
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "dispatches_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "dispatches_status_check" CHECK ("status" IN ('live', 'withdrawn'))
);

CREATE INDEX "dispatches_order_id_idx" ON "dispatches"("order_id");

-- At most one courier is on the way for an order.
CREATE UNIQUE INDEX "dispatches_live_key" ON "dispatches"("order_id") WHERE "status" = 'live';

-- The contract with the supplement system: all that it reads of a dispatch database.
CREATE VIEW "order_dispatch_dispatches_v1" AS
    SELECT "order_id", "request_id", "courier_id", "status", "updated_at" FROM "dispatches";
