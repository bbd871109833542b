SELECT a.name AS slice_out, b.name AS slice_in FROM flow
JOIN slice a ON flow.slice_out = a.id JOIN slice b ON flow.slice_in = b.id;
SELECT counter_track.name, ts, value FROM counter JOIN counter_track ON track_id = counter_track.id ORDER BY 1;
