package cli

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"
)

func newOutputsCommand(a *app) *cobra.Command {
	var format format
	c := &cobra.Command{
		Use:   "outputs [KEY]",
		Short: "Print how to reach the hub, or one value of that",
		Long: `Outputs prints URLs, user names and paths: the kubeconfig, the repositories, Argo CD. Passwords and tokens are not
printed, but where they lie. With a KEY it prints that one value.`,
		Example: `  kubectl --kubeconfig "$(backstack outputs kubeconfig)" get namespaces

  # the password of Argo CD's admin
  cat "$(backstack outputs argocd.credential)"`,
		Args: atMostOne,
		RunE: func(_ *cobra.Command, args []string) error {
			h, name, err := a.pick()
			if err != nil {
				return err
			}
			outputs, err := h.Outputs(name)
			if err != nil {
				return err
			}
			if len(args) == 1 {
				value, err := outputs.Get(args[0])
				if err != nil {
					return err
				}
				return format.print(a.streams.Out, value, func(w io.Writer) error {
					_, err := fmt.Fprintln(w, value)
					return err
				})
			}
			return format.print(a.streams.Out, outputs, func(w io.Writer) error {
				var rows [][]string
				for _, output := range outputs.All() {
					rows = append(rows, []string{output.Key, output.Value})
				}
				return table(w, rows)
			})
		},
		ValidArgsFunction: a.completeOutputs,
	}
	addOutputFlag(c, &format)
	return c
}

func atMostOne(c *cobra.Command, args []string) error {
	if len(args) > 1 {
		return &usageError{fmt.Errorf("%s takes at most one argument, got %d", c.CommandPath(), len(args))}
	}
	return nil
}

func (a *app) completeOutputs(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	h, name, err := a.pick()
	if err != nil || len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	outputs, err := h.Outputs(name)
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var keys []string
	for _, output := range outputs.All() {
		keys = append(keys, output.Key)
	}
	return keys, cobra.ShellCompDirectiveNoFileComp
}
