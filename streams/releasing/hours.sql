-- Sending windows at release, under the schedule's lock.

-- name: windows
SELECT campaign_id, send_window FROM pipeline.campaign
WHERE campaign_id = ANY(%(campaign_ids)s) AND send_window IS NOT NULL

-- name: zones
SELECT batch_id, zone FROM pipeline.batch WHERE batch_id = ANY(%(batch_ids)s)

-- name: leave_by
UPDATE pipeline.release r SET leave_by = k.leave_by
FROM unnest(%(release_id)s::text[], %(leave_by)s::timestamptz[]) AS k (release_id, leave_by)
WHERE r.release_id = k.release_id
