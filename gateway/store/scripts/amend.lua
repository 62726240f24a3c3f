-- amend.lua: a message changes: edited, deleted, reacted to, an attachment fetched. The caller read
-- the record, made the new body and gives both; when somebody was quicker it has to do so again.
-- KEYS: 1 shard prefix
-- ARGV: 1 now ms, 2 thread, 3 seq, 4 body that was read, 5 new body, 6 dedupe key of the change or
--   "", 7 dedupe bucket, 8 trail word, 9 its detail, 10 events max, 11 another dedupe key of the
--   message or "", 12 channel, 13 job for its out queue ("edit" ... "rest") or "", 14 attachments are to be
--   fetched 0|1, 15 preview, 16... CRM targets
-- Returns {"ok"}, {"dup"}, {"changed", record} or {"missing"} (the message, or all of the thread was erased)
local now, thread, seq = tonumber(ARGV[1]), ARGV[2], ARGV[3]
local log = P .. 'log:' .. thread
local rec = call('HGET', log, seq)
local t = get(thread, 'erased', 'last_seq')
if not rec or t[1] then return {'missing'} end
if ARGV[6] ~= '' and seen_seq(thread, ARGV[7], ARGV[6]) then return {'dup'} end
if body_of(rec) ~= ARGV[4] then return {'changed', rec} end
rec = string.sub(rec, 1, 27) .. ARGV[5] .. string.sub(rec, 28 + #ARGV[4])
rec = with_trail(rec, now, ARGV[8], ARGV[9])
if ARGV[13] == 'rest' then
  rec = with_trail(rec, now, 'rest_queued')
elseif ARGV[13] ~= '' then
  rec = with_trail(rec, now, 'change_queued', ARGV[13])
end
call('HSET', log, seq, rec)
if ARGV[6] ~= '' then mark_seen(thread, ARGV[7], ARGV[6], seq) end
if ARGV[11] ~= '' then mark_seen(thread, ARGV[7], ARGV[11], seq) end
if t[2] == seq then
  call('HSET', P .. 'thread:' .. thread, 'last_text', ARGV[15])
end
local work = ARGV[13] ~= '' or ARGV[14] == '1'
event(ARGV[10], 's ' .. thread .. ' ' .. seq .. (work and ' w' or ''))
if ARGV[13] ~= '' then enqueue('out:' .. ARGV[12], thread .. ' ' .. seq .. ' ' .. ARGV[13]) end
if ARGV[14] == '1' then enqueue('get:' .. ARGV[12], thread .. ' ' .. seq) end
for i = 16, #ARGV do call('XADD', P .. 'crm:' .. ARGV[i], '*', 'e', 'm ' .. thread .. ' ' .. seq) end
return {'ok'}
