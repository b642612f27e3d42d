{{- define "sfbridge.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "sfbridge.fullname" -}}
{{- if contains (include "sfbridge.name" .) .Release.Name -}}
{{- .Release.Name | trunc 52 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "sfbridge.name" .) | trunc 52 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "sfbridge.selector" -}}
app.kubernetes.io/name: {{ include "sfbridge.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "sfbridge.labels" -}}
{{ include "sfbridge.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "sfbridge.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ default .Chart.AppVersion .Values.image.tag }}
{{- end -}}
{{- end -}}

{{- define "sfbridge.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{ default (include "sfbridge.fullname" .) .Values.serviceAccount.name }}
{{- else -}}
{{ default "default" .Values.serviceAccount.name }}
{{- end -}}
{{- end -}}

{{- define "sfbridge.scheme" -}}
{{ ternary "https" "http" (ne .Values.rest.tlsSecret "") }}
{{- end -}}

{{- /* worker.properties: what the chart knows, then what the values say. */ -}}
{{- define "sfbridge.properties" -}}
{{- $listener := printf "%s://0.0.0.0:%d" (include "sfbridge.scheme" .) (int .Values.rest.port) -}}
{{- $own := dict "listeners" $listener "rest.advertised.listener" (include "sfbridge.scheme" .) "rest.advertised.port" (toString (int .Values.rest.port)) "bridge.rest.users.file" "/etc/sfbridge/users/users" -}}
{{- $own = merge $own (dict "rest.advertised.host.name" (printf "${env:POD_NAME}.%s-workers.%s.svc" (include "sfbridge.fullname" .) .Release.Namespace)) -}}
{{- $own = merge $own (dict "bridge.rest.allowed.hosts" (printf "%s,%s.%s,%s.%s.svc" (include "sfbridge.fullname" .) (include "sfbridge.fullname" .) .Release.Namespace (include "sfbridge.fullname" .) .Release.Namespace)) -}}
{{- if .Values.rest.tlsSecret -}}
{{- $own = merge $own (dict "listeners.https.ssl.keystore.location" "/run/sfbridge/listener.pem") -}}
{{- end -}}
{{- if not (hasKey .Values.worker "config.providers") -}}
{{- $names := list "POD_NAME" -}}
{{- range .Values.environmentSecrets -}}{{- $names = concat $names . -}}{{- end -}}
{{- $class := "org.apache.kafka.common.config.provider.EnvVarConfigProvider" -}}
{{- $own = merge $own (dict "config.providers" "env" "config.providers.env.class" $class "config.providers.env.param.allowlist.pattern" ($names | uniq | join "|")) -}}
{{- end -}}
{{- range $key, $value := merge (dict) .Values.worker $own }}
{{ $key }}={{ $value | toString | replace "\\" "\\\\" }}
{{- end -}}
{{- end -}}

{{- /* A worker is asked by the name that its certificate names; a probe of kind exec expands nothing by itself. */ -}}
{{- define "sfbridge.health" -}}
[sh, -c, {{ printf "exec sfbridge health --url %s://$POD_NAME.%s-workers.%s.svc:%d" (include "sfbridge.scheme" .) (include "sfbridge.fullname" .) .Release.Namespace (int .Values.rest.port) | quote }}]
{{- end -}}
