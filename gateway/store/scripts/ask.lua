-- ask.lua: the client is asked how the talk was, once for each matter (an "episode", see append.lua); or he is not, for
-- one of the reasons below. Either way "ask <thread>" leaves "due". What was asked when stands in the thread's field
-- "asked": "<episode> <ms> <seq> <channel>"; "thanks" is what is said to his rating (rated.lua).
-- KEYS: 1 shard prefix
-- ARGV: 1 now ms, 2 thread, 3 episode, 4 token of the shard's owner, 5 channel, 6 body of the question "" he is not to be
--   asked, 7 its preview, 8 body of the thanks "" none, 9 nobody whom this channel or another has asked since then, ms,
--   10 events max, 11 an id to make another of, 12 dedupe bucket, 13... CRM targets
-- Returns {"asked", seq}, {"not", why}, or {} when the shard has another owner
local now, thread, key, targets = tonumber(ARGV[1]), ARGV[2], 'ask:' .. ARGV[3], 13
if not is_owner(ARGV[4]) then return {} end
local t = get(thread, 'state', 'episode', 'merged', 'erased', 'blocked', 'replied', 'asked', 'channel', 'seq', 'kind',
  'address', 'route', 'assignee', 'place', 'labels', 'last_ms')
if (t[2] or '0') ~= ARGV[3] then return {'not', 'another matter'} end -- which has a timer of its own
call('ZREM', P .. 'due', 'ask ' .. thread)

-- Has a person answered him since the matter began?
local function is_answered()
  local began = string.match(call('HGET', P .. 'log:' .. thread, ARGV[3]) or '', '\n(%d+)') or '0'
  return t[6] and tonumber(t[6]) >= tonumber(began)
end

local function why_not()
  if t[1] ~= 'closed' or t[3] or t[4] then return 'not closed' end
  if t[5] == '1' then return 'blocked' end
  if not is_answered() then return 'not answered' end
  if ARGV[6] == '' or t[8] ~= ARGV[5] then return 'not here' end
  local asked = string.match(t[7] or '', '^%d+ (%d+)')
  if asked and tonumber(asked) > tonumber(ARGV[9]) then return 'asked before' end
  if seen_seq(thread, ARGV[12], key) then return 'asked' end
end
local why = why_not()
if why then return {'not', why} end

local seq, score = tonumber(t[9] or 0) + 1, math.max(now, tonumber(t[16] or 0))
say(thread, seq, ARGV[11], ARGV[6], ARGV[1], ARGV[5], {t[10], t[11], t[12]}, ARGV[10], targets)
mark_seen(thread, ARGV[12], key, seq)
call('HSET', P .. 'thread:' .. thread, 'asked', ARGV[3] .. ' ' .. ARGV[1] .. ' ' .. seq .. ' ' .. ARGV[5],
  'thanks', ARGV[8], 'last_ms', score, 'last_dir', 'out', 'last_text', ARGV[7], 'last_seq', seq)
place(thread, t[14], t[1], t[13] or '', t[1], t[13] or '', t[8], t[15], score)
return {'asked', seq}
