-- The walks of `prune`, oldest first.
CREATE INDEX "inbox_received_at_idx" ON "inbox"("received_at");
CREATE INDEX "dispatches_created_at_idx" ON "dispatches"("created_at");
