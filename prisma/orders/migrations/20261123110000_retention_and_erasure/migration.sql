-- The walks of `prune`, oldest first. By `created_at`, which never changes: an index on `updated_at`
-- would cost every change of a status an entry in every index.
CREATE INDEX "orders_created_at_idx" ON "orders"("created_at");
CREATE INDEX "acknowledgements_received_at_idx" ON "acknowledgements"("received_at");

CREATE TABLE "erasures" (
    "id" BIGSERIAL NOT NULL,
    "customer_hash" TEXT NOT NULL,
    "actor" TEXT NOT NULL,
    "note" TEXT NOT NULL,
    "orders" INTEGER NOT NULL DEFAULT 0,
    "acknowledgements" INTEGER NOT NULL DEFAULT 0,
    "repairs" INTEGER NOT NULL DEFAULT 0,
    "dead_letters" INTEGER NOT NULL DEFAULT 0,
    "inbox" INTEGER NOT NULL DEFAULT 0,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "erasures_pkey" PRIMARY KEY ("id")
);

CREATE INDEX "erasures_customer_hash_idx" ON "erasures"("customer_hash");

ALTER TABLE "orders"
    ADD COLUMN "erased_at" TIMESTAMPTZ(3),
    ADD COLUMN "erasure_id" BIGINT,
    ADD CONSTRAINT "orders_erasure_id_fkey"
        FOREIGN KEY ("erasure_id") REFERENCES "erasures"("id") ON DELETE RESTRICT ON UPDATE RESTRICT,
    ADD CONSTRAINT "orders_erased_check"
        CHECK (("erased_at" IS NULL) = ("erasure_id" IS NULL)),
    -- What is blanked is not an order that anybody could dispatch: it stays where it ended.
    ADD CONSTRAINT "orders_erased_final_check"
        CHECK ("erased_at" IS NULL OR "status" IN ('dispatched', 'cancelled'));

CREATE INDEX "orders_erasure_id_idx" ON "orders"("erasure_id") WHERE "erasure_id" IS NOT NULL;
CREATE INDEX "orders_customer_id_idx" ON "orders"(("order" ->> 'customerId'));
