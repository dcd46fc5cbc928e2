-- No request goes out, by a person's decision, until release.
CREATE TABLE "holds" (
    "id" SERIAL NOT NULL,
    "held_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "held_by" TEXT NOT NULL,
    "note" TEXT NOT NULL,
    "ended_at" TIMESTAMPTZ(3),

    CONSTRAINT "holds_pkey" PRIMARY KEY ("id")
);

-- One at a time; and each order that is recorded asks for it, so it is small.
CREATE UNIQUE INDEX "holds_in_force_idx" ON "holds"(("ended_at" IS NULL)) WHERE "ended_at" IS NULL;

-- The orders whose workflow waits for a hold's release. Without a foreign key to orders: a row that is
-- lost comes back.
CREATE TABLE "held_orders" (
    "order_id" TEXT NOT NULL,
    -- The newest that held it, or that it was released from.
    "hold_id" INTEGER NOT NULL,
    "held_at" TIMESTAMPTZ(3) NOT NULL,
    -- Since when that hold does not count for it any more.
    "released_at" TIMESTAMPTZ(3),
    -- When its workflow was told so.
    "told_at" TIMESTAMPTZ(3),

    CONSTRAINT "held_orders_pkey" PRIMARY KEY ("order_id"),
    CONSTRAINT "held_orders_hold_id_fkey" FOREIGN KEY ("hold_id") REFERENCES "holds"("id") ON DELETE CASCADE ON UPDATE RESTRICT
);

CREATE INDEX "held_orders_hold_id_idx" ON "held_orders"("hold_id");
CREATE INDEX "held_orders_waiting_idx" ON "held_orders"("held_at", "order_id") WHERE "told_at" IS NULL;
