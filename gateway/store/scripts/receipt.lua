-- receipt.lua: a channel says that our messages were delivered or read: all up to a seq, or the one
-- that it knows by its own id, or that it names by our place for it.
-- KEYS: 1 shard prefix
-- ARGV: 1 now ms, 2 thread, 3 upto seq ("" with an external id), 4 word, 5 detail, 6 channel,
--   7 external id or "", 8 dedupe bucket, 9 events max, 10 seq of the message that has this id, or
--   "": it is looked for, 11 it is a part of several 0|1, 12 who hears of statuses
-- Returns {"ok", changed} or {"missing"}
local now, thread, word, channel = tonumber(ARGV[1]), ARGV[2], ARGV[4], ARGV[6]
local t = get(thread, 'client', 'seq', 'cd', 'cr')
if not t[1] then return {'missing'} end
local log, changed = P .. 'log:' .. thread, 0
local function mark(seq)
  local rec = call('HGET', log, seq)
  if not rec or not is_dir(rec, 'out') then return end
  if channel ~= '' and not string.find(rec, '"ch":"' .. channel .. '"', 1, true) then return end
  if has_word(rec, word == 'read' and ARGV[5] ~= '' and 'read ' .. ARGV[5] or word) then return end
  call('HSET', log, seq, with_trail(rec, now, word, ARGV[5]))
  event(ARGV[9], 's ' .. thread .. ' ' .. string.format('%d', seq))
  tell_status(ARGV[12], rec, thread, string.format('%d', seq), word)
  changed = changed + 1
end
if ARGV[10] ~= '' then -- the channel has it, whatever became of its answer to us
  local rec = call('HGET', log, ARGV[10])
  if not rec or not is_dir(rec, 'out') or not string.find(rec, '"ch":"' .. channel .. '"', 1, true) then
    return {'missing'}
  end
  local is_part = ARGV[11] == '1'
  if not has_word(rec, 'sent ' .. ARGV[7]) and not has_word(rec, 'part ' .. ARGV[7]) then
    local last = last_step(rec)
    rec = with_trail(rec, now, is_part and 'part' or 'sent', ARGV[7])
    if is_part and last == 'unknown' then -- now it is known: the other parts may follow
      rec = with_trail(rec, now, 'queued')
      enqueue('out:' .. channel, thread .. ' ' .. ARGV[10])
    end
    call('HSET', log, ARGV[10], rec)
    mark_seen(thread, ARGV[8], 'c:' .. channel .. ':' .. ARGV[7], ARGV[10])
    event(ARGV[9], 's ' .. thread .. ' ' .. ARGV[10])
    if not is_part then tell_status(ARGV[12], rec, thread, ARGV[10], 'sent') end
    changed = 1
  elseif word == 'sent' and has_word(rec, 'held') and not has_word(rec, 'released') then
    call('HSET', log, ARGV[10], with_trail(rec, now, 'released')) -- the channel kept it back
    event(ARGV[9], 's ' .. thread .. ' ' .. ARGV[10])
    changed = 1
  end
  if word == 'bounced' or (word ~= 'sent' and not is_part) then mark(tonumber(ARGV[10])) end
  return {'ok', changed}
end
if ARGV[7] ~= '' then
  local seq = seen_seq(thread, ARGV[8], 'c:' .. channel .. ':' .. ARGV[7])
  if not seq then return {'missing'} end
  mark(tonumber(seq))
  return {'ok', changed}
end
local field = word == 'read' and 'cr' or 'cd'
local from = tonumber(t[word == 'read' and 4 or 3] or 0)
local upto = math.min(tonumber(ARGV[3]), tonumber(t[2] or 0))
if upto <= from then return {'ok', 0} end
for seq = math.max(from + 1, upto - 199), upto do mark(seq) end
call('HSET', P .. 'thread:' .. thread, field, upto)
if changed > 0 then event(ARGV[9], 't ' .. thread) end
return {'ok', changed}
