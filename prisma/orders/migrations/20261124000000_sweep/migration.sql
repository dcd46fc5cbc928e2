-- The walk of `sweep`, by the time of the change. Without it every step reads the whole table. With it
-- each change of a status writes to every index. What both cost is in bench/RESULTS.md.
CREATE INDEX "orders_updated_at_idx" ON "orders"("updated_at");
