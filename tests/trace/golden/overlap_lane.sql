SELECT slice.ts, slice.dur, track.name AS row, track.lane, thread.tid, process.name AS process
FROM slice JOIN track ON slice.track_id = track.id JOIN thread USING (utid)
JOIN process ON thread.upid = process.id WHERE slice.name LIKE 'fmha%' ORDER BY slice.ts;
