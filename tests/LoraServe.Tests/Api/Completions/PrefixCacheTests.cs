namespace LoraServe.Tests.Api.Completions;

[Collection(nameof(GoldenServer))]
public class PrefixCacheTests(GoldenServer server)
{
    // Two full blocks of the KV cache and a little more.
    private static readonly int[] Prompt = [.. Enumerable.Range(40, 40)];

    [Fact]
    public async Task Post_SamePromptAgain_TellsHowMuchWasCached()
    {
        var first = await CachedAsync("first");
        var second = await CachedAsync("first");

        (first, second).ShouldBe((0, 32));
    }

    [Fact]
    public async Task Post_SamePromptWithAnotherSalt_SharesNothing()
    {
        await CachedAsync("mine");

        (await CachedAsync("yours")).ShouldBe(0);
    }

    private async Task<int> CachedAsync(string salt)
    {
        var response = await server.CompleteAsync(new { prompt = Prompt, max_tokens = 1, cache_salt = salt });
        return response.GetProperty("usage").GetProperty("prompt_tokens_details").GetProperty("cached_tokens").GetInt32();
    }
}
