-- Why a tenant's daily limit was set (a fold of TenantDailyLimitSet), for who asks why mail waits.
ALTER TABLE pipeline.tenant ADD COLUMN daily_limit_reason text NOT NULL DEFAULT '';
