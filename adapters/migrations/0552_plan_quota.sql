-- What a tenant's plan covers (a fold of PlanLimitSet); NULL: no limit. First attempts are charged to the
-- use `plan` of their day; of a month the days are summed up.
ALTER TABLE pipeline.tenant ADD COLUMN sends_per_month bigint;
