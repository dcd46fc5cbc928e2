-- Who sent the courier, where a person did. A later decision, such as to cancel, names somebody else.
ALTER TABLE "orders" ADD COLUMN "courier_sent_by" TEXT;

UPDATE "orders" SET "courier_sent_by" = "decided_by"
WHERE "dispatched_by" = 'person' AND "decision" = 'markDispatched';
