using System.Text.Json;
using LoraServe.Engine.Adapters.Catalog;
using LoraServe.Engine.Adapters.Intake;
using LoraServe.Engine.Checkpoints;
using LoraServe.Engine.Checkpoints.Safetensors;
using LoraServe.Engine.Peft;
using LoraServe.Tests;
using Shouldly;
using Xunit;
using static TorchSharp.torch;

namespace LoraServe.Engine.Tests.Adapters.Intake;

public class AdapterTruncationTests
{
    private const int MaxRank = 256;
    private static readonly ModelModules Base = ModelConfig.Load(GoldenData.Path("checkpoints", "llama-gqa")).Modules("llama-gqa");

    [Theory]
    [InlineData("all-linear-r8", 3)]
    [InlineData("attention-r4", 1)]
    [InlineData("rank-32", 5)]
    [InlineData("rslora-r16", 7)]
    [InlineData("stored-bf16", 2)]
    [InlineData("alpha-fraction", 2)]
    [InlineData("rank-and-alpha-pattern", 3)]
    public void Write_GoldenAdapter_HoldsTheTruncatedProducts(string golden, int rank)
    {
        using var scope = NewDisposeScope();
        using var folder = new TemporaryFolder();
        using var source = Open(golden);

        var report = AdapterTruncation.Write(source, rank, folder.Path);

        using var truncated = PeftAdapter.Open(folder.Path, Base, MaxRank);
        truncated.Modules.Count.ShouldBe(source.Modules.Count);
        var (kept, total) = (0.0, 0.0);
        foreach (var (module, was, told) in truncated.Modules.Zip(source.Modules, report.Modules))
        {
            module.Rank.ShouldBe(Math.Min(rank, was.Rank));
            module.Scaling.ShouldBe(was.Scaling, 1e-12 * Math.Abs(was.Scaling));
            var (u, s, vt) = linalg.svd(Product(source, was), fullMatrices: false);
            var best = nn.functional.linear(u.narrow(1, 0, module.Rank) * s.narrow(0, 0, module.Rank), vt.narrow(0, 0, module.Rank).t());
            Product(truncated, module).allclose(best, rtol: 1e-5, atol: 1e-6).ShouldBeTrue(was.Linear.Path);
            var energy = s.data<double>().ToArray().Select(value => value * value).ToArray();
            (told.Path, told.Rank).ShouldBe((was.Linear.Path, module.Rank));
            told.EnergyKept.ShouldBe(energy.Take(module.Rank).Sum() / energy.Sum(), 1e-9);
            kept += energy.Take(module.Rank).Sum();
            total += energy.Sum();
        }

        report.Rank.ShouldBe(rank);
        report.EnergyKept.ShouldBe(kept / total, 1e-9);
        report.EnergyKept.ShouldBeInRange(0.01, 0.99);
    }

    [Fact]
    public void Write_ModulesOfLowerRank_CopiesThem()
    {
        using var folder = new TemporaryFolder();
        using var source = Open("rank-and-alpha-pattern");

        var report = AdapterTruncation.Write(source, rank: 4, folder.Path);

        using var truncated = PeftAdapter.Open(folder.Path, Base, MaxRank);
        report.Modules.Where(module => module.EnergyKept < 1).ShouldHaveSingleItem().Path.ShouldBe("model.layers.1.self_attn.q_proj");
        foreach (var (module, was) in truncated.Modules.Zip(source.Modules).Where(pair => pair.Second.Rank <= 4))
        {
            using var scope = NewDisposeScope();
            truncated.Read(module.B).Equals(source.Read(was.B)).ShouldBeTrue();
            truncated.Read(module.A).Equals(source.Read(was.A)).ShouldBeTrue();
        }
    }

    [Fact]
    public void Write_AnyAdapter_HasPeftsNamesAndKeepsTheOtherFields()
    {
        using var folder = new TemporaryFolder();
        using var source = Open("rslora-r16");

        AdapterTruncation.Write(source, rank: 4, folder.Path);

        using var file = SafetensorsFile.Open(folder.File(PeftAdapter.TensorFileName));
        file.Entries.Keys.ShouldContain("base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight");
        file.Metadata.ShouldContainKeyAndValue("format", "pt");
        var was = Config(source.Folder);
        var config = Config(folder.Path);
        config.GetProperty("r").GetInt32().ShouldBe(4);
        config.GetProperty("lora_alpha").GetDouble().ShouldBe(8);
        foreach (var field in was.EnumerateObject().Where(field => field.Name is not ("r" or "lora_alpha")))
            config.GetProperty(field.Name).GetRawText().ReplaceLineEndings("").Replace(" ", "")
                .ShouldBe(field.Value.GetRawText().ReplaceLineEndings("").Replace(" ", ""));
    }

    [Theory]
    [InlineData("config-with-bom")]
    [InlineData("orig-mod")]
    [InlineData("infix-name")]
    [InlineData("no-prefix")]
    public void Write_OddFolder_GivesPeftsNames(string golden)
    {
        using var folder = new TemporaryFolder();
        using var source = PeftAdapter.Open(GoldenData.Path("accept", golden), Base, MaxRank);

        AdapterTruncation.Write(source, rank: 2, folder.Path);

        using var truncated = PeftAdapter.Open(folder.Path, Base, MaxRank);
        truncated.Entries.ShouldAllBe(entry => entry.Name.StartsWith("base_model.model.model.layers.")
            && (entry.Name.EndsWith("_proj.lora_A.weight") || entry.Name.EndsWith("_proj.lora_B.weight")));
    }

    [Theory]
    [InlineData("llama-gqa", "dora-r4")]
    [InlineData("llama-gqa", "dora-rslora-r8")]
    [InlineData("llama-gqa", "embeddings")]
    [InlineData("llama-gqa", "activated")]
    [InlineData("llama-gqa", "modules-to-save-norm")]
    [InlineData("llama-gqa", "trainable-tokens")]
    [InlineData("llama-bias-untied", "bias-all")]
    [InlineData("llama-bias-untied", "bias-lora-only")]
    [InlineData("llama-bias-untied", "lora-bias")]
    [InlineData("llama-bias-untied", "modules-to-save-head-and-norm")]
    [InlineData("llama-bias-untied", "head")]
    public void Write_EveryOtherForm_KeepsWhatIsNoLowRankUpdate(string checkpoint, string golden)
    {
        using var scope = NewDisposeScope();
        using var folder = new TemporaryFolder();
        var modules = ModelConfig.Load(GoldenData.Path("checkpoints", checkpoint)).Modules(checkpoint);
        using var source = PeftAdapter.Open(GoldenData.Path("adapters", checkpoint, golden), modules, MaxRank);

        AdapterTruncation.Write(source, rank: 2, folder.Path);

        using var truncated = PeftAdapter.Open(folder.Path, modules, MaxRank);
        truncated.Entries.Select(entry => entry.Name).ShouldBe(source.Entries.Select(entry => entry.Name), ignoreOrder: true);
        truncated.Modules.ShouldAllBe(module => module.Rank == 2);
        truncated.Config.InvocationTokens.ShouldBe(source.Config.InvocationTokens);
        var updates = source.Modules.SelectMany(module => new[] { module.A.Name, module.B.Name }).ToHashSet();
        foreach (var was in source.Entries.Where(entry => !updates.Contains(entry.Name)))
            truncated.Read(truncated.Entries.Single(entry => entry.Name == was.Name)).Equals(source.Read(was)).ShouldBeTrue(was.Name);
    }

    [Fact]
    public void Write_SameAdapterTwice_GivesTheSameVersion()
    {
        Version().ShouldBe(Version());

        static string Version()
        {
            using var folder = new TemporaryFolder();
            using var source = Open("all-linear-r8");
            AdapterTruncation.Write(source, rank: 2, folder.Path);
            using var truncated = PeftAdapter.Open(folder.Path, Base, MaxRank);
            return truncated.Version.Value;
        }
    }

    [Fact]
    public void Write_ConfigWithHalfASurrogatePair_WritesIt()
    {
        using var odd = new TemporaryFolder();
        using var folder = new TemporaryFolder();
        var golden = GoldenData.Path("adapters", "llama-gqa", "attention-r4");
        File.Copy(Path.Combine(golden, PeftAdapter.TensorFileName), odd.File(PeftAdapter.TensorFileName));
        var json = File.ReadAllText(Path.Combine(golden, PeftConfig.FileName));
        File.WriteAllText(odd.File(PeftConfig.FileName), json.Replace("\"loftq_config\": {}", "\"loftq_config\": {\"a\": \"\\ud800\"}"));
        using var source = PeftAdapter.Open(odd.Path, Base, MaxRank);

        AdapterTruncation.Write(source, rank: 2, folder.Path);

        File.ReadAllText(folder.File(PeftConfig.FileName)).ShouldContain("ud800", Case.Insensitive);
        PeftAdapter.Open(folder.Path, Base, MaxRank).Dispose();
    }

    [Theory]
    [InlineData("attention-r4", 0, "expected 1 to 3")]
    [InlineData("attention-r4", -1, "found -1")]
    [InlineData("attention-r4", 4, "below the adapter's own 4")]
    [InlineData("rank-1", 1, "has rank 1 already")]
    public void Write_RankOutOfRange_IsRefused(string golden, int rank, string message)
    {
        using var folder = new TemporaryFolder();
        using var source = Open(golden);

        Should.Throw<InvalidAdapterPatchException>(() => AdapterTruncation.Write(source, rank, folder.Path)).Message.ShouldContain(message);
        Directory.EnumerateFileSystemEntries(folder.Path).ShouldBeEmpty();
    }

    private static PeftAdapter Open(string golden) => PeftAdapter.Open(GoldenData.Path("adapters", "llama-gqa", golden), Base, MaxRank);

    private static JsonElement Config(string folder) =>
        JsonSerializer.Deserialize<JsonElement>(File.ReadAllText(Path.Combine(folder, PeftConfig.FileName)));

    // s B A in float64.
    private static Tensor Product(PeftAdapter adapter, PeftModule module)
    {
        using var a = adapter.Read(module.A);
        using var b = adapter.Read(module.B);
        return nn.functional.linear(b.to(ScalarType.Float64), a.to(ScalarType.Float64).t()) * module.Scaling;
    }
}
