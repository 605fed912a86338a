package main

import (
	"context"
	"sync"

	v1 "k8s.io/api/core/v1"
	discovery "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	corelisters "k8s.io/client-go/listers/core/v1"
	discoverylisters "k8s.io/client-go/listers/discovery/v1"

	"tab/node"
)

// services has what CoreDNS and kube-proxy would watch: Services and their endpoints.
type services struct {
	services corelisters.ServiceLister
	slices   discoverylisters.EndpointSliceLister
	// sync waits, the first time, until both are known.
	sync func()
}

func watchServices(ctx context.Context, client kubernetes.Interface) services {
	shared := informers.NewSharedInformerFactory(client, 0)
	watched := services{
		shared.Core().V1().Services().Lister(),
		shared.Discovery().V1().EndpointSlices().Lister(),
		sync.OnceFunc(func() { shared.WaitForCacheSync(ctx.Done()) }),
	}
	shared.Start(ctx.Done())
	return watched
}

// Service returns the Service of a name, or nil.
func (s services) Service(namespace, name string) *node.Service {
	s.sync()
	service, err := s.services.Services(namespace).Get(name)
	if err != nil {
		return nil
	}
	return s.withEndpoints(service)
}

// ServiceAt returns the Service that has an address, or nil.
func (s services) ServiceAt(address string) *node.Service {
	s.sync()
	all, _ := s.services.List(labels.Everything())
	for _, service := range all {
		for _, ip := range service.Spec.ClusterIPs {
			if ip == address {
				return s.withEndpoints(service)
			}
		}
	}
	return nil
}

func (s services) withEndpoints(service *v1.Service) *node.Service {
	result := &node.Service{
		ClusterIP: service.Spec.ClusterIP,
		External:  service.Spec.ExternalName,
	}
	selector := labels.SelectorFromSet(labels.Set{discovery.LabelServiceName: service.Name})
	slices, _ := s.slices.EndpointSlices(service.Namespace).List(selector)
	for _, slice := range slices {
		for _, endpoint := range slice.Endpoints {
			if len(endpoint.Addresses) > 0 {
				result.Endpoints = append(result.Endpoints, node.Endpoint{
					Address:  endpoint.Addresses[0],
					Hostname: valueOf(endpoint.Hostname),
					Ready:    endpoint.Conditions.Ready == nil || *endpoint.Conditions.Ready,
					Ports:    portsOf(service, slice),
				})
			}
		}
	}
	return result
}

// portsOf returns the ports of a slice's endpoints, by those of the Service.
func portsOf(service *v1.Service, slice *discovery.EndpointSlice) map[int]int {
	ports := map[int]int{}
	for _, port := range service.Spec.Ports {
		for _, target := range slice.Ports {
			if valueOf(target.Name) == port.Name && target.Port != nil {
				ports[int(port.Port)] = int(*target.Port)
			}
		}
	}
	return ports
}

func valueOf(text *string) string {
	if text == nil {
		return ""
	}
	return *text
}
