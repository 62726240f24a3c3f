-- media_claim.lua: an attachment is about to be shown in a thread: it must be the owner's own, or the
-- thread's already; then it is the thread's.
-- KEYS: 1 the hash of the attachment   ARGV: 1 owner, 2 thread ("": there is none yet; only checked)
-- Returns the attachment's JSON, or false
local m = redis.call('HMGET', KEYS[1], 'info', 'owner', 'thread')
if not m[1] then return false end
if m[3] and m[3] ~= ARGV[2] then return false end
if not m[3] and m[2] ~= ARGV[1] then return false end
if ARGV[2] ~= '' then redis.call('HSET', KEYS[1], 'thread', ARGV[2]) end
return m[1]
