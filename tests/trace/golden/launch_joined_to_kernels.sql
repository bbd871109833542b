SELECT call.name AS call, COUNT(*) AS kernels, MIN(work.ts - call.ts) AS first_delay_ns
FROM slice call JOIN slice work ON work.correlation = call.correlation AND work.id != call.id
WHERE call.cat IN ('cuda_runtime', 'cuda_driver') AND work.cat NOT LIKE 'cuda%'
GROUP BY call.id ORDER BY call.ts;
