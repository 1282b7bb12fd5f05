{{/* Labels of an object. Takes a list: the root context, the object's name in Argo CD's manifests, its component. */}}
{{- define "hub.argocd.labels" -}}
app.kubernetes.io/name: {{ index . 1 }}
app.kubernetes.io/part-of: argocd
{{- with index . 2 }}
app.kubernetes.io/component: {{ . }}
{{- end }}
backstack.dev/hub: {{ (index . 0).Values.hub }}
{{- end -}}

{{/* The project's destinations. Takes the list of its namespaces. */}}
{{- define "hub.argocd.destinations" -}}
{{- range . }}
- server: https://kubernetes.default.svc
  namespace: {{ . | quote }}
{{- end }}
{{- end -}}

{{/* Every kind that the platform offers, as an AppProject lists kinds. */}}
{{- define "hub.argocd.platformKinds" -}}
{{- range .Values.platformGroups }}
- group: {{ . | quote }}
  kind: "*"
{{- end }}
{{- end -}}
