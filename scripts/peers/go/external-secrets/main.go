// What the External Secrets Operator does with a store of its webhook or vault provider, or with a generator, by its own code: a
// request in, an answer out, as JSON. The Secrets that the objects name are given with the request, in the place of a cluster.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"os"

	esv1 "github.com/external-secrets/external-secrets/apis/externalsecrets/v1"
	esv1alpha1 "github.com/external-secrets/external-secrets/apis/externalsecrets/v1alpha1"
	generator "github.com/external-secrets/external-secrets/pkg/generator/webhook"
	_ "github.com/external-secrets/external-secrets/pkg/provider/vault"
	_ "github.com/external-secrets/external-secrets/pkg/provider/webhook"
	corev1 "k8s.io/api/core/v1"
	apiextensions "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

type request struct {
	Do           string
	Namespace    string
	Cluster      *esv1.ClusterSecretStore
	Store        *esv1.SecretStore
	Generator    json.RawMessage
	Secrets      []corev1.Secret
	ConfigMaps   []corev1.ConfigMap
	RemoteRef    esv1.ExternalSecretDataRemoteRef
	Push         esv1alpha1.PushSecretData
	PushedSecret corev1.Secret
}

type answer struct {
	Value    string            `json:"value,omitempty"`
	Values   map[string]string `json:"values,omitempty"`
	NoSecret bool              `json:"noSecret,omitempty"`
	Error    string            `json:"error,omitempty"`
}

// A cluster of which only Secrets and ConfigMaps are read, each by its name.
type cluster struct {
	client.Client
	asked request
}

func (c cluster) Get(_ context.Context, key client.ObjectKey, into client.Object, _ ...client.GetOption) error {
	switch object := into.(type) {
	case *corev1.Secret:
		for _, one := range c.asked.Secrets {
			if one.Name == key.Name && one.Namespace == key.Namespace {
				*object = one
				return nil
			}
		}
	case *corev1.ConfigMap:
		for _, one := range c.asked.ConfigMaps {
			if one.Name == key.Name && one.Namespace == key.Namespace {
				*object = one
				return nil
			}
		}
	}
	return fmt.Errorf("%s is not in the cluster", key)
}

func store(asked request) esv1.GenericStore {
	if asked.Cluster != nil {
		return asked.Cluster
	}
	return asked.Store
}

func texts(values map[string][]byte) map[string]string {
	all := map[string]string{}
	for name, value := range values {
		all[name] = string(value)
	}
	return all
}

func do(ctx context.Context, asked request) (answer, error) {
	kube := cluster{asked: asked}
	if asked.Do == "generate" {
		spec := &apiextensions.JSON{Raw: asked.Generator}
		values, _, err := (&generator.Webhook{}).Generate(ctx, spec, kube, asked.Namespace)
		return answer{Values: texts(values)}, err
	}
	provider, err := esv1.GetProvider(store(asked))
	if err != nil {
		return answer{}, err
	}
	secrets, err := provider.NewClient(ctx, store(asked), kube, asked.Namespace)
	if err != nil {
		return answer{}, err
	}
	switch asked.Do {
	case "validate":
		result, err := secrets.Validate()
		return answer{Value: result.String()}, err
	case "get":
		value, err := secrets.GetSecret(ctx, asked.RemoteRef)
		return answer{Value: string(value)}, err
	case "extract":
		values, err := secrets.GetSecretMap(ctx, asked.RemoteRef)
		return answer{Values: texts(values)}, err
	case "push":
		return answer{}, secrets.PushSecret(ctx, &asked.PushedSecret, asked.Push)
	}
	return answer{}, fmt.Errorf("%q is nothing to do", asked.Do)
}

func main() {
	var asked request
	if err := json.NewDecoder(os.Stdin).Decode(&asked); err != nil {
		log.Fatal(err)
	}
	told, err := do(context.Background(), asked)
	if err != nil {
		told = answer{Error: err.Error(), NoSecret: errors.Is(err, esv1.NoSecretErr)}
	}
	if err := json.NewEncoder(os.Stdout).Encode(told); err != nil {
		log.Fatal(err)
	}
}
