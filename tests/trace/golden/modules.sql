INCLUDE PERFETTO MODULE slices.with_context;
CREATE PERFETTO TABLE big AS SELECT name, dur FROM thread_slice WHERE dur > 30000;
SELECT COUNT(*) AS n, SUM(dur) AS ns FROM big;
