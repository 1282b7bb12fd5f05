package kind

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
)

// awaitService tries to reach the API server at an address for a minute. Any answer that its certificate vouches for will
// do: until kube-proxy has made its rules, the address is like any other of the internet, and somebody may answer there.
const awaitService = `command -v curl >/dev/null || exit 0
end=$(($(date +%s) + 60))
while [ "$(date +%s)" -lt $end ]; do
	curl --silent --output /dev/null --max-time 1 --cacert /etc/kubernetes/pki/ca.crt "https://$0/livez" && exit
	sleep 0.1
done`

// AwaitServices waits, on a cluster that has just been made, until its node reaches Services, and with it the pods there:
// what starts before that fails, and is started again only after a pause. kube-proxy itself does not tell. Its pod is
// ready before it has made a rule, and at /livez, too, it says that it is up to date when it has only begun.
//
// Where that takes longer than a minute, or the node's image has no curl, it is not waited for: pods try again.
func (c *Cluster) AwaitServices(ctx context.Context) error {
	api, err := newAPI(c.Kubeconfig())
	if err != nil {
		return err
	}
	const path = "/api/v1/namespaces/default/services/kubernetes"
	answer, err := api.get(ctx, path)
	if err != nil {
		return fmt.Errorf("looking for the Service of the API server: %w", err)
	}
	var service struct {
		Spec struct{ ClusterIP string }
	}
	if err := json.Unmarshal(answer, &service); err != nil {
		return fmt.Errorf("reading the Service of the API server: %w", err)
	}
	return c.onNode(ctx, "trying to reach the API server by its Service", "sh", "-c", awaitService,
		net.JoinHostPort(service.Spec.ClusterIP, "443"))
}
