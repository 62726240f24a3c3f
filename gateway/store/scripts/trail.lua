-- trail.lua: adds lines to the trails of messages of one shard; a line whose word is there already
-- with the same detail is not added twice.
-- KEYS: 1 shard prefix   ARGV: 1 events max, then for each: ms, thread, seq, word, detail, 1 to write
--   a status event
-- Returns how many were added
local added = 0
for k = 2, #ARGV, 6 do
  local now, i = tonumber(ARGV[k]), k + 1
  local log, word, detail = P .. 'log:' .. ARGV[i], ARGV[i + 2], ARGV[i + 3]
  local rec = call('HGET', log, ARGV[i + 1])
  if rec and not has_word(rec, detail == '' and word or word .. ' ' .. detail) then
    call('HSET', log, ARGV[i + 1], with_trail(rec, now, word, detail))
    if ARGV[i + 4] == '1' then event(ARGV[1], 's ' .. ARGV[i] .. ' ' .. ARGV[i + 1]) end
    added = added + 1
  end
end
return added
