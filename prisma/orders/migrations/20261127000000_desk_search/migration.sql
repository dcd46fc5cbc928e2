-- The desk finds an order by the beginning of its ID, and by its courier.
CREATE INDEX "orders_order_id_beginning_idx" ON "orders"("order_id" text_pattern_ops);
CREATE INDEX "orders_courier_id_idx" ON "orders"("courier_id") WHERE "courier_id" IS NOT NULL;
