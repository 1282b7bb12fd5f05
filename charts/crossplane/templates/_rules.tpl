{{/* An administrator: everything of Crossplane's, and handing on what they may do themselves. */}}
{{- define "hub.crossplane.rules.admin" -}}
- apiGroups: [""]
  resources: [events]
  verbs: [get, list, watch]
- apiGroups: [""]
  resources: [secrets, namespaces]
  verbs: ["*"]
- apiGroups: [rbac.authorization.k8s.io]
  resources: [clusterroles, roles]
  verbs: [get, list, watch]
- apiGroups: [rbac.authorization.k8s.io]
  resources: [clusterrolebindings, rolebindings]
  verbs: ["*"]
- apiGroups: [apiextensions.crossplane.io, pkg.crossplane.io, protection.crossplane.io, ops.crossplane.io]
  resources: ["*"]
  verbs: ["*"]
- apiGroups: [apiextensions.k8s.io]
  resources: [customresourcedefinitions]
  verbs: [get, list, watch]
{{- end -}}

{{/* An editor: everything of Crossplane's, and the secrets that it needs. */}}
{{- define "hub.crossplane.rules.edit" -}}
- apiGroups: [""]
  resources: [events, namespaces]
  verbs: [get, list, watch]
- apiGroups: [""]
  resources: [secrets]
  verbs: ["*"]
- apiGroups: [apiextensions.crossplane.io, pkg.crossplane.io, protection.crossplane.io, ops.crossplane.io]
  resources: ["*"]
  verbs: ["*"]
{{- end -}}

{{/* A viewer: everything of Crossplane's, to look at. */}}
{{- define "hub.crossplane.rules.view" -}}
- apiGroups: [""]
  resources: [events, namespaces]
  verbs: [get, list, watch]
- apiGroups: [apiextensions.crossplane.io, pkg.crossplane.io, protection.crossplane.io, ops.crossplane.io]
  resources: ["*"]
  verbs: [get, list, watch]
{{- end -}}

{{/* A browser: what is on offer. */}}
{{- define "hub.crossplane.rules.browse" -}}
- apiGroups: [""]
  resources: [events]
  verbs: [get, list, watch]
- apiGroups: [apiextensions.crossplane.io]
  resources: ["*"]
  verbs: [get, list, watch]
{{- end -}}
