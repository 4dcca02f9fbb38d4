using LoraServe.Commands;

namespace LoraServe.Tests.Commands;

public class HealthProbeTests
{
    [Theory]
    [InlineData("http://+:8080", "http://localhost:8080/")]
    [InlineData("http://*:8080", "http://localhost:8080/")]
    [InlineData("http://0.0.0.0:8080", "http://localhost:8080/")]
    [InlineData("http://[::]:8080", "http://localhost:8080/")]
    [InlineData("http://localhost:8080", "http://localhost:8080/")]
    [InlineData("https://example.org", "https://example.org/")]
    public void Reachable_WhatAServerListensOn_IsWhatAClientAsks(string listened, string asked) =>
        HealthProbe.Reachable(listened).ToString().ShouldBe(asked);
}
