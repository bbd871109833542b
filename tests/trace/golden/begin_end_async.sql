SELECT s.name, s.ts, s.dur, s.depth, p.name AS parent FROM slice s LEFT JOIN slice p ON s.parent_id = p.id
WHERE s.name IN ('outer', 'inner', 'r') ORDER BY s.ts;
