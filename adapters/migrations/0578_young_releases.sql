-- Finds the releases whose deadline has just passed among all that ever were.
CREATE INDEX release_deadline ON pipeline.release (deadline_at) WHERE state IN ('started', 'concluded');
