using System.Net;
using System.Net.Http.Json;
using System.Text.Json;

namespace LoraServe.Tests.Api.Adapters;

[Collection(nameof(GoldenServer))]
public sealed class AdapterEffectApiTests(GoldenServer server) : IAsyncLifetime
{
    private const string Name = "effective";

    private readonly GoldenAdapters _adapters = new(server);

    public async ValueTask InitializeAsync() => await _adapters.PutAsync(Name, "all-linear-r8");

    public async ValueTask DisposeAsync()
    {
        foreach (var name in new[] { Name, "small", "nothing" }) await server.Client.DeleteAsync($"/v1/adapters/{name}?force=true");
    }

    [Fact]
    public async Task Get_Effect_TellsHowMuchInHowManyDirections()
    {
        var effect = await server.Client.GetFromJsonAsync<JsonElement>($"/v1/adapters/{Name}/effect");

        effect.GetProperty("relative_norm").GetDouble().ShouldBePositive();
        effect.GetProperty("mean_kl").GetDouble().ShouldBePositive();
        var targets = effect.GetProperty("targets").EnumerateArray().ToList();
        targets.Count.ShouldBe(21);
        targets.ShouldAllBe(target => target.GetProperty("singular_values").GetArrayLength() == 8
            && target.GetProperty("rank_90").GetInt32() <= target.GetProperty("rank_99").GetInt32());
    }

    [Fact]
    public async Task Post_Truncate_MakesAVersionOfLowerRankThatCanBeRolledBack()
    {
        using var response = await server.PostAsync($"/v1/adapters/{Name}/truncate", """{"rank": 3}""");
        var truncated = await response.Content.ReadFromJsonAsync<JsonElement>();
        response.StatusCode.ShouldBe(HttpStatusCode.OK, truncated.ToString());

        truncated.GetProperty("energy_kept").GetDouble().ShouldBeInRange(0.3, 1);
        truncated.GetProperty("adapter").GetProperty("rank").GetInt32().ShouldBe(3);
        truncated.GetProperty("adapter").GetProperty("provenance").GetString()!.ShouldStartWith("rank 3 of version ");
        (await server.PostAsync($"/v1/adapters/{Name}/rollback", "")).StatusCode.ShouldBe(HttpStatusCode.OK);
        await _adapters.ShouldActLikeAsync(Name, "all-linear-r8");
    }

    [Fact]
    public async Task Post_TruncateAs_LeavesTheAdapterAlone()
    {
        using var response = await server.PostAsync($"/v1/adapters/{Name}/truncate", """{"rank": 7, "as": "small"}""");
        response.StatusCode.ShouldBe(HttpStatusCode.OK, await response.Content.ReadAsStringAsync());

        (await server.Client.GetFromJsonAsync<JsonElement>("/v1/adapters/small")).GetProperty("rank").GetInt32().ShouldBe(7);
        (await server.Client.GetFromJsonAsync<JsonElement>($"/v1/adapters/{Name}")).GetProperty("rank").GetInt32().ShouldBe(8);
    }

    [Theory]
    [InlineData("""{"rank": 8}""", "expected 1 to 7")]
    [InlineData("""{"rank": 0}""", "rank")]
    [InlineData("{}", "rank: is required")]
    public async Task Post_TruncateToARankThatCannotBe_IsRefused(string body, string message)
    {
        using var response = await server.PostAsync($"/v1/adapters/{Name}/truncate", body);

        (await LoraServeServer.ErrorAsync(response, 400)).GetProperty("message").GetString()!.ShouldContain(message);
    }

    [Fact]
    public async Task Get_EffectOfASum_SaysToAskForItsParts()
    {
        using var response = await server.Client.GetAsync($"/v1/adapters/{Name}:0.5/effect");

        (await LoraServeServer.ErrorAsync(response, 400)).GetProperty("message").GetString()!.ShouldContain("ask for its parts");
    }

    [Fact]
    public async Task Put_AdapterWithoutEffect_IsRefusedUnlessItIsAllowed()
    {
        using var refused = await _adapters.SendAsync("nothing", Repository.EngineGolden("refuse", "no-effect"));
        using var allowed = await _adapters.SendAsync("nothing", Repository.EngineGolden("refuse", "no-effect"), "?allow_no_effect=true");

        await LoraServeServer.ErrorAsync(refused, 422);
        allowed.StatusCode.ShouldBe(HttpStatusCode.Created, await allowed.Content.ReadAsStringAsync());
        var effect = (await allowed.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("effect");
        effect.GetProperty("mean_kl").GetDouble().ShouldBe(0);
    }
}
