-- rated.lua: what a client wrote may be the rating of the talk that he was asked about (ask.lua): then it is an event of
-- the thread, which stays closed. Else, or when a person of ours has written since (on the phone: the thread's field
-- "spoke", append.lua), nothing is done, and it is a message like any other. Only where append.lua has found that he was
-- asked is this run. Of several ratings of one
-- matter the last counts; the thread's field "rated" has it: "<episode> <score> <seq> <day and hour it was counted in>",
-- then lines: channel, agent, labels.
-- KEYS: 1 shard prefix
-- ARGV: 1 now ms, 2 who ("" by identity, "c<client>"), 3 identity kind, 4 address, 5 shard, 6 channel, 7 dedupe key or "",
--   8 dedupe bucket, 9 score, 10 body of the event, 11 he must have been asked since then, ms, 12 events max, 13 and 14 ids
--   to make others of, 15 answers may go until ms "" as it was, 16 an answer until ms 17 makes so many ms free, 18 day and
--   hour for reports, 19 how many seconds a day of them is kept, 20... CRM targets
-- Returns {"ok"|"dup", client, thread, message, seq, ms}, {"elsewhere", client}, {"none"}
local now, channel, score, stamp, targets = ARGV[1], ARGV[6], ARGV[9], ARGV[18], 20
local client = string.sub(ARGV[2], 2)
if client == '' then client = call('GET', P .. 'identity:' .. ARGV[3] .. ':' .. ARGV[4]) end
local thread
for _ = 1, 8 do
  if not client then return {'none'} end
  if string.sub(client, -2) ~= ARGV[5] then return {'elsewhere', client} end
  local c = call('HMGET', P .. 'client:' .. client, 'thread', 'merged')
  thread = c[1]
  if not c[2] then break end
  client, thread = c[2], nil
end
if not thread then return {'none'} end

local t = get(thread, 'state', 'episode', 'merged', 'erased', 'blocked', 'asked', 'rated', 'seq', 'kind', 'address', 'route',
  'assignee', 'labels', 'window', 'thanks', 'spoke')
local record = P .. 'thread:' .. thread
local seen = ARGV[7] ~= '' and seen_seq(thread, ARGV[8], ARGV[7])

local function stored(seq)
  local rec = call('HGET', P .. 'log:' .. thread, seq) or ''
  return {'dup', client, thread, string.sub(rec, 1, 26), tonumber(seq), tonumber(string.match(rec, '\n(%d+)') or 0)}
end
if seen then return stored(seen) end
local episode, at, question, where = string.match(t[6] or '', '^(%d+) (%d+) (%d+) (.*)$')
if t[1] ~= 'closed' or t[3] or t[4] or t[5] == '1' or episode ~= (t[2] or '0') or where ~= channel or
  tonumber(at) < tonumber(ARGV[11]) or tonumber(t[16] or 0) > tonumber(question) then return {'none'} end

-- by: 1 it counts, -1 it does not any more.
local function count_rating(by, stamp, score, channel, agent, labels)
  local day = P .. 'report:' .. string.sub(stamp, 1, 8)
  local function tally(...)
    local field = table.concat({...}, ' ')
    if by < 0 and tonumber(call('HGET', day, field) or 0) < 1 then return end -- that day is kept no more
    if call('HINCRBY', day, field, by) == 0 then call('HDEL', day, field) end
  end
  tally('rated', string.sub(stamp, 10), score)
  tally('rated.channel', score, channel)
  if agent ~= '' then tally('rated.agent', score, agent) end
  for _, label in ipairs(labels_of(labels)) do tally('rated.label', score, label) end
  if by > 0 or call('EXISTS', day) == 1 then counted_day(stamp, ARGV[19]) end
end

if ARGV[15] ~= '' or ARGV[16] ~= '' then
  call('HSET', record, 'window', window_opened(t[14] or '', channel, ARGV[15], ARGV[16], ARGV[17]))
end
local old = {string.match(t[7] or '', '^(%d+) (%d) (%d+) (%d+ %d+)\n([^\n]*)\n([^\n]*)\n(.*)$')}
if old[1] == episode and old[2] == score then -- he says it again
  if ARGV[7] ~= '' then mark_seen(thread, ARGV[8], ARGV[7], old[3]) end
  return stored(old[3])
end
local body, seq = ARGV[10], tonumber(t[8] or 0) + 1
if old[1] == episode then
  body = string.gsub(body, '"of":5', '"of":5,"replaces":' .. old[3], 1)
  count_rating(-1, old[4], old[2], old[5], old[6], old[7])
end
local id = add_entry(thread, seq, ARGV[13], body, now, 'event', ARGV[12], targets)
if ARGV[7] ~= '' then mark_seen(thread, ARGV[8], ARGV[7], seq) end
count_rating(1, stamp, score, channel, t[12] or '', t[13] or '')
call('HSET', record, 'rated', episode .. ' ' .. score .. ' ' .. seq .. ' ' .. stamp .. '\n' .. channel .. '\n' ..
  (t[12] or '') .. '\n' .. (t[13] or ''))
if (t[15] or '') ~= '' then
  call('HDEL', record, 'thanks') -- once
  say(thread, seq + 1, ARGV[14], t[15], now, channel, {t[9], t[10], t[11]}, ARGV[12], targets)
end
return {'ok', client, thread, id, seq, tonumber(now)}
