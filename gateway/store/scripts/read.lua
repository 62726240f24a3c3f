-- read.lua: an agent has read the thread up to a seq: unread falls, the client's messages are read.
-- KEYS: 1 shard prefix   ARGV: 1 now ms, 2 thread, 3 seq, 4 agent, 5 events max
-- Returns {"ok", 0|1 changed} or {"missing"}
local now, thread, upto = tonumber(ARGV[1]), ARGV[2], tonumber(ARGV[3])
local t = get(thread, 'client', 'seq', 'ar', 'unread')
if not t[1] then return {'missing'} end
local from, last = tonumber(t[3] or 0), tonumber(t[2] or 0)
if upto > last then upto = last end
-- Who was mentioned has seen it.
local saw = call('ZREM', P .. 'view:m:' .. ARGV[4], thread) == 1
if upto <= from then
  if saw then event(ARGV[5], 't ' .. thread) end
  return {'ok', saw and 1 or 0}
end
local log = P .. 'log:' .. thread
for seq = math.max(from + 1, upto - 199), upto do
  local rec = call('HGET', log, seq)
  if rec and is_dir(rec, 'in') and not has_word(rec, 'read') then
    call('HSET', log, seq, with_trail(rec, now, 'read', ARGV[4]))
  end
end
local unread = 0
if last - upto > 200 then
  unread = math.min(tonumber(t[4] or 0), last - upto)
else
  for seq = upto + 1, last do
    local rec = call('HGET', log, seq)
    if rec and is_dir(rec, 'in') then unread = unread + 1 end
  end
end
call('HSET', P .. 'thread:' .. thread, 'ar', upto, 'unread', unread)
event(ARGV[5], 't ' .. thread)
return {'ok', 1}
