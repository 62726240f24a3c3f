-- carry.lua: who waited for an answer in a thread that was merged waits in this one from now on, since when he did.
-- Once for each merge (the client's field "g:<who went>" knows).
-- KEYS: 1 shard prefix   ARGV: 1 client who stays, 2 client who went, 3 waiting since ms "" not, 4 unread, 5 events max,
--   6 by when an answer is due as the field "sla" has it
-- Returns {"ok", state of the thread} or {"missing"} (the merge was undone, or he goes on under another one himself)
local into = P .. 'client:' .. ARGV[1]
local c = call('HMGET', into, 'thread', 'merged', 'g:' .. ARGV[2])
if not c[1] or c[2] or not c[3] then return {'missing'} end
local thread = c[1]
local t = get(thread, 'waiting', 'state')
local kept = cjson.decode(c[3])
if kept.carried then return {'ok', t[2]} end
kept.carried = true
call('HSET', into, 'g:' .. ARGV[2], cjson.encode(kept))
if ARGV[3] ~= '' and (not t[1] or tonumber(t[1]) > tonumber(ARGV[3])) then
  call('HSET', P .. 'thread:' .. thread, 'waiting', ARGV[3])
  call('ZADD', P .. 'waiting', ARGV[3], thread)
  if ARGV[6] ~= '' then answer_is_due_again(thread, ARGV[6]) end
end
if tonumber(ARGV[4]) > 0 then call('HINCRBY', P .. 'thread:' .. thread, 'unread', ARGV[4]) end
event(ARGV[5], 't ' .. thread)
return {'ok', t[2]}
