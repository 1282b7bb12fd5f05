package existing

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/client-go/pkg/apis/clientauthentication"
	"k8s.io/client-go/pkg/apis/clientauthentication/install"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd/api"
)

// pluginTimeout is how long a credential plugin may take. It may well ask a cloud.
const pluginTimeout = 20 * time.Second

// renewal says how credentials are renewed.
const renewal = "renew them as you got them, by logging in again or by fetching the kubeconfig anew, such as with " +
	"`aws eks update-kubeconfig` or `gcloud container clusters get-credentials`"

// expired returns why an account's credentials cannot be good any more, as far as they say so themselves.
func expired(user *api.AuthInfo, now time.Time) error {
	if block, _ := pem.Decode(user.ClientCertificateData); block != nil {
		if certificate, err := x509.ParseCertificate(block.Bytes); err == nil && now.After(certificate.NotAfter) {
			return fmt.Errorf("the client certificate of %s expired on %s: %s", certificate.Subject.CommonName,
				certificate.NotAfter.Format(time.DateOnly), renewal)
		}
	}
	if end, ok := tokenExpiry(token(user)); ok && now.After(end) {
		return fmt.Errorf("the token expired on %s: %s", end.UTC().Format("2006-01-02 15:04 UTC"), renewal)
	}
	return nil
}

// token is the one that an account logs in with; empty if it does otherwise.
func token(user *api.AuthInfo) string {
	if user.TokenFile == "" {
		return user.Token
	}
	data, err := os.ReadFile(user.TokenFile)
	if err != nil {
		return "" // the request that follows says it
	}
	return strings.TrimSpace(string(data))
}

// tokenExpiry returns when a JSON Web Token ends (RFC 7519, section 4.1.4), and false if it does not say.
func tokenExpiry(token string) (time.Time, bool) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return time.Time{}, false
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return time.Time{}, false
	}
	var claims struct {
		Expiry float64 `json:"exp"`
	}
	if err := json.Unmarshal(payload, &claims); err != nil || claims.Expiry == 0 {
		return time.Time{}, false
	}
	return time.Unix(int64(claims.Expiry), 0), true
}

// login runs the credential plugin of config, if there is one, and puts what it returns into config. client-go would
// run it as well, but without a bound, and would let it print its complaint between the lines of progress.
// https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins
func login(ctx context.Context, config *rest.Config) error {
	plugin := config.ExecProvider
	if plugin == nil {
		return nil
	}
	failed := func(err error) error {
		return fmt.Errorf("getting credentials from %s, as the kubeconfig says: %w", plugin.Command, err)
	}
	if plugin.InteractiveMode == api.AlwaysExecInteractiveMode {
		return failed(errors.New("it wants to talk to a person, and is asked in the background: want a user with a token, " +
			"a certificate, or a plugin whose interactiveMode is Never or IfAvailable"))
	}
	codecs, version, err := pluginCodecs(plugin.APIVersion)
	if err != nil {
		return failed(err)
	}
	question := &clientauthentication.ExecCredential{}
	if plugin.ProvideClusterInfo {
		if question.Spec.Cluster, err = rest.ConfigToExecCluster(config); err != nil {
			return failed(err)
		}
	}
	info, err := runtime.Encode(codecs.LegacyCodec(version), question)
	if err != nil {
		return failed(err)
	}
	answer, err := runPlugin(ctx, plugin, info)
	if err != nil {
		return failed(err)
	}
	got := &clientauthentication.ExecCredential{}
	if _, _, err := codecs.UniversalDecoder(version).Decode(answer, nil, got); err != nil {
		return failed(fmt.Errorf("its answer cannot be read: %w", err))
	}
	if got.Status == nil || got.Status.Token == "" && got.Status.ClientCertificateData == "" {
		return failed(errors.New("its answer has neither a token nor a certificate"))
	}
	config.ExecProvider = nil
	config.BearerToken = got.Status.Token
	config.CertData, config.KeyData = []byte(got.Status.ClientCertificateData), []byte(got.Status.ClientKeyData)
	return nil
}

// pluginCodecs returns what reads and writes the messages of plugins, and the version that a plugin wants them in.
func pluginCodecs(apiVersion string) (serializer.CodecFactory, schema.GroupVersion, error) {
	scheme := runtime.NewScheme()
	install.Install(scheme)
	version, err := schema.ParseGroupVersion(apiVersion)
	if err == nil && !scheme.IsVersionRegistered(version) {
		err = fmt.Errorf("its version %s is unknown: want client.authentication.k8s.io/v1", apiVersion)
	}
	return serializer.NewCodecFactory(scheme), version, err
}

// runPlugin runs a credential plugin and returns what it prints. What it complains about is in the error.
func runPlugin(ctx context.Context, plugin *api.ExecConfig, info []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, pluginTimeout, fmt.Errorf("no answer after %s", pluginTimeout))
	defer cancel()
	var stdout, stderr bytes.Buffer
	command := exec.CommandContext(ctx, plugin.Command, plugin.Args...)
	command.Stdout, command.Stderr = &stdout, &stderr
	command.Env = append(os.Environ(), "KUBERNETES_EXEC_INFO="+string(info))
	for _, variable := range plugin.Env {
		command.Env = append(command.Env, variable.Name+"="+variable.Value)
	}
	command.WaitDelay = time.Second // for what it has started and left with its output open
	err := command.Run()
	if errors.Is(err, exec.ErrNotFound) {
		hint := "want it installed, and its folder in PATH"
		if plugin.InstallHint != "" {
			hint += "; " + oneLine(plugin.InstallHint)
		}
		return nil, fmt.Errorf("there is no such program: %s", hint)
	}
	if err == nil {
		return stdout.Bytes(), nil
	}
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	if said := oneLine(stderr.String()); said != "" {
		err = fmt.Errorf("%w: %s", err, said)
	}
	return nil, err
}

// oneLine makes one line of text.
func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }
