-- What an erasure blanked in people's tables, too.
ALTER TABLE "erasures" ADD COLUMN "human_tasks" INTEGER NOT NULL DEFAULT 0,
  ADD COLUMN "audit" INTEGER NOT NULL DEFAULT 0;
