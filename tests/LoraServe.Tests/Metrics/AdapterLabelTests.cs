using System.Net.Http.Json;

namespace LoraServe.Tests.Metrics;

/// <summary>The limit on adapter labels, and so on series.</summary>
public class AdapterLabelTests(AdapterLabelTests.TwoLabelsServer server) : IClassFixture<AdapterLabelTests.TwoLabelsServer>
{
    [Fact]
    public async Task Get_200AdaptersWithLabelsForTwo_PutsTheRestUnderOther()
    {
        for (var i = 0; i < 200; i++)
        {
            using var made = await server.Client.PutAsJsonAsync($"/v1/adapters/team-{i}/mix", new { adapters = new[] { new { name = "sql", weight = 0.5 } } });
            made.EnsureSuccessStatusCode();
            await server.CompleteAsync(new { model = $"team-{i}", prompt = "a", max_tokens = 1 });
        }

        await server.CompleteAsync(new { model = "sql:0.3,extract:0.3", prompt = "a", max_tokens = 1 });
        var metrics = await MetricsServer.ReadAsync(server.Client);

        foreach (var family in metrics.Families.Values)
            family.Samples.Select(sample => sample.Labels.GetValueOrDefault("adapter")).Where(adapter => adapter is not null).Distinct().Except(["(base)", "(other)", "(mix)"]).Count().ShouldBeLessThanOrEqualTo(2, family.Name);
        metrics.Sum("loraserve_requests_total").ShouldBe(201);
        metrics.Sum("loraserve_requests_total", ("adapter", "team-0")).ShouldBe(1);
        metrics.Sum("loraserve_requests_total", ("adapter", "(other)")).ShouldBe(198);
        metrics.Sum("loraserve_requests_total", ("adapter", "(mix)")).ShouldBe(1);
    }

    public sealed class TwoLabelsServer() : LoraServeServer(Settings(("MaxAdapterLabels", "2"), ("MergedBytes", "0")));
}
