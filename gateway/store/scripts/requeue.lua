-- requeue.lua: messages of a thread go to a CRM's target once more, in this order. What the log has no more is
-- queued, too: the archive may have it.
-- KEYS: 1 shard prefix
-- ARGV: 1 now ms, 2 target, 3 thread, 4 "again" or "missing" (it was looked for there, in vain), 5 only what was
--   never there nor queued by hand 0|1, 6... seqs
-- Returns how many were queued
local now, target, thread, word, only_new = tonumber(ARGV[1]), ARGV[2], ARGV[3], ARGV[4], ARGV[5] == '1'
local log, n = P .. 'log:' .. thread, 0
local filled = tonumber(get(thread, 'filled:' .. target)[1] or 0) -- so far the archive's part was queued
local archived = filled
for i = 6, #ARGV do
  local seq = ARGV[i]
  local rec = call('HGET', log, seq)
  local last = rec and last_at_target(rec, target)
  local skip = false
  if only_new then
    if rec then
      skip = last or has_word(rec, 'card_failed ' .. target)
    else
      skip = tonumber(seq) <= filled
      archived = math.max(archived, tonumber(seq))
    end
  end
  if not skip then
    if rec and last ~= word .. ' ' .. target then
      call('HSET', log, seq, with_trail(rec, now, word, target))
    end
    call('XADD', P .. 'crm:' .. target, '*', 'e', 'm ' .. thread .. ' ' .. seq)
    call('ZADD', P .. 'again:' .. target .. ':' .. thread, now, seq)
    n = n + 1
  end
end
if archived > filled then call('HSET', P .. 'thread:' .. thread, 'filled:' .. target, archived) end
return n
