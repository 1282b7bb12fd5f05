-- An app of apps is as healthy as its Applications, and a sync wave of it waits until those in it are healthy.
local hs = {status = "Progressing", message = "Waiting for Argo CD to look at it"}
-- The root manages itself. If it waited for itself, no sync of it would ever end.
local meta = obj.metadata
local self = meta.name .. ":argoproj.io/Application:" .. meta.namespace .. "/" .. meta.name
if meta.annotations ~= nil and meta.annotations["argocd.argoproj.io/tracking-id"] == self then
  return {status = "Healthy", message = "Manages itself"}
end
if obj.status == nil or obj.status.health == nil or obj.status.health.status == nil then
  return hs
end
-- While it syncs, what is healthy may be what there was before.
if obj.status.operationState ~= nil and obj.status.operationState.phase == "Running" then
  hs.message = obj.status.operationState.message or "Syncing"
  return hs
end
hs.status = obj.status.health.status
hs.message = obj.status.health.message or ""
return hs
