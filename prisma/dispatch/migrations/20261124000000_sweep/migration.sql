-- The walk of `sweep`, by the time of the change.
CREATE INDEX "dispatches_updated_at_idx" ON "dispatches"("updated_at");
