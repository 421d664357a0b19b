-- Asks Purser whether a request may go on, and puts the answer into txn.purser_*. Rule: all that the caller sent is shown to
-- Purser, but for what is ours to say; whatever goes wrong leaves a status other than 200.
local ADDRESS = "http://127.0.0.1:8700/internal/authorize?scope="

-- AUTHORIZE_SECRET, in a file of mode 600 that is read once, before HAProxy gives up its rights.
local file = assert(io.open("internal-secret"))
local SECRET = file:read("*l")
file:close()

-- Of the connection, or said by us alone.
local OURS = {
  ["connection"] = true, ["content-length"] = true, ["transfer-encoding"] = true, ["expect"] = true, ["te"] = true,
  ["upgrade"] = true, ["keep-alive"] = true, ["proxy-connection"] = true, ["x-internal-secret"] = true,
  ["x-original-method"] = true, ["x-original-uri"] = true, ["x-forwarded-method"] = true, ["x-forwarded-uri"] = true,
  ["x-forwarded-for"] = true
}

core.register_action("purser", { "http-req" }, function(txn)
  local headers = {}
  for name, values in pairs(txn.http:req_get_headers()) do
    if not OURS[name] then
      headers[name] = {}
      for i = 0, #values do headers[name][i + 1] = values[i] end
    end
  end
  headers["x-internal-secret"] = { SECRET }
  headers["x-original-method"] = { txn.f:method() }
  headers["x-original-uri"] = { txn.f:url() }
  -- Believed only where TRUST_PROXY names this proxy.
  headers["x-forwarded-for"] = { txn.f:src() }
  local answer = core.httpclient():get { url = ADDRESS .. txn:get_var("txn.scope"), headers = headers, timeout = 2000 }
  local told = answer.headers or {}
  local function first(name) return told[name] and told[name][0] or "" end
  txn:set_var("txn.purser_status", answer.status or 0)
  txn:set_var("txn.purser_challenge", first("www-authenticate"))
  txn:set_var("txn.purser_client", first("x-purser-client"))
  txn:set_var("txn.purser_key_id", first("x-purser-key-id"))
  txn:set_var("txn.purser_scopes", first("x-purser-scopes"))
end)
