-- Of attempt n the sends whose owner found no such domain (a fold of OutcomesRecorded): a domain counts
-- as gone once it was looked for twice (domain/retries.py SECOND_LOOK_S), and the claim tells who was.
ALTER TABLE pipeline.attempt_set ADD COLUMN absent int4multirange NOT NULL DEFAULT '{}';
