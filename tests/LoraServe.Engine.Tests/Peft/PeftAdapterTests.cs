using System.Text.Json;
using FsCheck.Xunit;
using LoraServe.Engine.Checkpoints;
using LoraServe.Engine.Checkpoints.Safetensors;
using LoraServe.Engine.Lora;
using LoraServe.Engine.Peft;
using LoraServe.Engine.Tests.Lora;
using LoraServe.Tests;
using Shouldly;
using TorchSharp;
using Xunit;

namespace LoraServe.Engine.Tests.Peft;

public class PeftAdapterTests
{
    private const int MaxRank = 256;
    private static readonly ModelModules Base = Modules("llama-gqa");

    private static readonly Lazy<Dictionary<string, torch.Tensor>> BaseTensors = new(() =>
    {
        using var file = SafetensorsFile.Open(GoldenData.Path("checkpoints", "llama-gqa", "model.safetensors"));
        var tensors = file.Entries.Keys.ToDictionary(name => name, file.Read);
        tensors["lm_head.weight"] = tensors["model.embed_tokens.weight"];
        return tensors;
    });

    public static TheoryData<string, int> Refused => Cases("refuse", "status", element => element.GetInt32());

    public static TheoryData<string, string> Accepted => Cases("accept", "same_as", element => element.GetString()!);

    [Theory]
    [MemberData(nameof(Refused))]
    public void Open_GoldenRefusal_HasTheStatus(string golden, int status)
    {
        var e = Should.Throw<InvalidPeftException>(() => PeftAdapter.Open(GoldenData.Path("refuse", golden), Base, MaxRank));

        (e.Malformed.Count > 0 ? 400 : 422).ShouldBe(status, e.Message);
        e.Message.Length.ShouldBeLessThan(8000);
    }

    [Theory]
    [InlineData("wrong-in", "lora_A of model.layers.0.self_attn.q_proj: expected [4, 64], found [4, 65]")]
    [InlineData("missing-b", "lora_B of model.layers.0.self_attn.q_proj is missing")]
    [InlineData("extra-module", "llama-gqa has no linear module 'model.layers.77.self_attn.q_proj'")]
    [InlineData("rank-too-large", "rank 512 is above this server's limit of 256")]
    [InlineData("nan", "holds a NaN or an infinity")]
    [InlineData("no-effect", "act as the bare base model")]
    [InlineData("pickle", "adapter_model.bin is a pickle")]
    [InlineData("mlx-names", "MLX's layout")]
    [InlineData("kohya-names", "kohya's layout")]
    [InlineData("integers", "expected F32, F16 or BF16, found I64")]
    [InlineData("dora-without-flag", "a magnitude of DoRA, but use_dora is off")]
    [InlineData("dora-without-magnitude", "lora_magnitude_vector of model.layers.0.self_attn.q_proj is missing, use_dora asks for it")]
    [InlineData("head-of-other-vocabulary", "the weight of lm_head: expected [320, 64], found [400, 64]: the vocabulary was resized")]
    [InlineData("option-use-qalora", "use_qalora")]
    public void Open_GoldenRefusal_SaysWhy(string golden, string reason) =>
        Should.Throw<InvalidPeftException>(() => PeftAdapter.Open(GoldenData.Path("refuse", golden), Base, MaxRank)).Message.ShouldContain(reason);

    [Theory]
    [MemberData(nameof(Accepted))]
    public void Load_GoldenOddity_EqualsThePlainAdapter(string golden, string sameAs)
    {
        using var odd = Load(GoldenData.Path("accept", golden));
        using var plain = Load(GoldenData.Path(["adapters", .. sameAs.Split('/')]));

        odd.Version.ShouldBe(plain.Version);
        odd.Linears.Keys.ShouldBe(plain.Linears.Keys);
        foreach (var path in odd.Linears.Keys)
        {
            odd.LowRank(path).A.Equals(plain.LowRank(path).A).ShouldBeTrue();
            odd.LowRank(path).B.Equals(plain.LowRank(path).B).ShouldBeTrue();
        }
    }

    [Fact]
    public void Load_RankAndAlphaPattern_PutsEachModulesScalingIntoB()
    {
        var folder = GoldenData.Path("adapters", "llama-gqa", "rank-and-alpha-pattern");
        using var file = SafetensorsFile.Open(Path.Combine(folder, PeftAdapter.TensorFileName));
        using var peft = PeftAdapter.Open(folder, Base, MaxRank);
        using var adapter = peft.Load(torch.ScalarType.Float32, torch.CPU, NoBase);
        using var scope = torch.NewDisposeScope();

        peft.Modules.Select(module => module.Rank).Distinct().Count().ShouldBeGreaterThan(2);
        foreach (var module in peft.Modules)
        {
            var expected = file.Read(module.B.Name) * (float)(module.Alpha / module.Rank);
            adapter.LowRank(module.Linear.Path).B.allclose(expected).ShouldBeTrue(module.Linear.Path);
        }
    }

    [Theory]
    [InlineData("stored-bf16")]
    [InlineData("stored-f16")]
    [InlineData("alpha-fraction")]
    [InlineData("rslora-r16")]
    public void Load_AnyStoredDtype_ComesInTheComputeDtype(string golden)
    {
        using var peft = PeftAdapter.Open(GoldenData.Path("adapters", "llama-gqa", golden), Base, MaxRank);
        using var adapter = peft.Load(torch.ScalarType.BFloat16, torch.CPU, NoBase);

        foreach (var weights in adapter.LowRanks())
        {
            weights.A.dtype.ShouldBe(torch.ScalarType.BFloat16);
            weights.B.dtype.ShouldBe(torch.ScalarType.BFloat16);
            weights.B.is_contiguous().ShouldBeTrue();
            weights.B.requires_grad.ShouldBeFalse();
        }

        adapter.Bytes.ShouldBe(2 * adapter.LowRanks().Sum(weights => weights.A.numel() + weights.B.numel()));
    }

    [Fact]
    public void Load_InsideScopeAndInferenceMode_OutlivesBoth()
    {
        LoraAdapter adapter;
        using (torch.NewDisposeScope())
        using (torch.inference_mode())
        {
            adapter = Load(GoldenData.Path("adapters", "llama-gqa", "attention-r4"));
        }

        foreach (var weights in adapter.LowRanks()) weights.B.add_(1).IsInvalid.ShouldBeFalse();
        adapter.Dispose();
        adapter.LowRanks().ShouldAllBe(weights => weights.A.IsInvalid && weights.B.IsInvalid);
    }

    [Fact]
    public void Version_OtherScaling_IsAnother()
    {
        using var folder = new TemporaryFolder();
        var source = GoldenData.Path("adapters", "llama-gqa", "attention-r4");
        File.Copy(Path.Combine(source, PeftAdapter.TensorFileName), folder.File(PeftAdapter.TensorFileName));
        var json = File.ReadAllText(Path.Combine(source, PeftConfig.FileName));
        File.WriteAllText(folder.File(PeftConfig.FileName), json.Replace("\"lora_alpha\": 8", "\"lora_alpha\": 9"));

        using var one = PeftAdapter.Open(source, Base, MaxRank);
        using var other = PeftAdapter.Open(folder.Path, Base, MaxRank);

        other.Version.ShouldNotBe(one.Version);
        one.Version.Value.ShouldMatch("^[0-9a-f]{64}$");
    }

    [Theory]
    [InlineData("1e60", "leaves the range of float32")]
    [InlineData("1e-60", "act as the bare base model")]
    public void Open_ScalingThatFloat32CannotHold_IsRefused(string alpha, string message)
    {
        using var folder = new TemporaryFolder();
        var source = GoldenData.Path("adapters", "llama-gqa", "attention-r4");
        var json = File.ReadAllText(Path.Combine(source, PeftConfig.FileName));
        File.WriteAllText(folder.File(PeftConfig.FileName), json.Replace("\"lora_alpha\": 8", $"\"lora_alpha\": {alpha}"));
        using (var file = SafetensorsFile.Open(Path.Combine(source, PeftAdapter.TensorFileName)))
        using (var scope = torch.NewDisposeScope())
        {
            // B so small that only its scaling leaves the range, not the product.
            var tensors = file.Entries.Keys.ToDictionary(
                name => name, name => name.Contains("lora_B") ? file.Read(name) * 1e-30f : file.Read(name));
            SafetensorsWriter.Write(folder.File(PeftAdapter.TensorFileName), tensors, new Dictionary<string, string>());
        }

        Should.Throw<InvalidPeftException>(() => PeftAdapter.Open(folder.Path, Base, MaxRank)).Message.ShouldContain(message);
    }

    [Fact]
    public void Open_HeadAsTarget_CarriesACopyOfTheBaseWeight()
    {
        using var peft = PeftAdapter.Open(GoldenData.Path("adapters", "llama-bias-untied", "head"), Modules("llama-bias-untied"), MaxRank);

        peft.Modules[^1].Linear.Path.ShouldBe("lm_head");
        peft.Content.BaseCopies.Select(copy => copy.Name).ShouldBe(["lm_head.weight"]);
    }

    [Fact]
    public void Base_Dispose_DoesNothing()
    {
        LoraAdapter.Base.Dispose();

        LoraAdapter.Base.Version.ShouldBe(AdapterVersionId.Base);
        LoraAdapter.Base.Bytes.ShouldBe(0);
        LoraAdapter.Base.Linears.ShouldBeEmpty();
    }

    [Property(MaxTest = 400)]
    public void Open_MutatedFiles_ThrowsNothingElse(byte choice, ushort position, byte value, bool inConfig)
    {
        string[] adapters = ["attention-r4", "dora-r4", "embeddings", "modules-to-save-norm", "trainable-tokens", "activated"];
        using var folder = new TemporaryFolder();
        var source = GoldenData.Path("adapters", "llama-gqa", adapters[choice % adapters.Length]);
        foreach (var name in new[] { PeftConfig.FileName, PeftAdapter.TensorFileName })
        {
            var bytes = File.ReadAllBytes(Path.Combine(source, name));
            if (inConfig == (name == PeftConfig.FileName)) bytes[position % Math.Min(bytes.Length, 3000)] = value;
            File.WriteAllBytes(folder.File(name), bytes);
        }

        try
        {
            using var peft = PeftAdapter.Open(folder.Path, Base, MaxRank);
            peft.Load(torch.ScalarType.Float32, torch.CPU, name => BaseTensors.Value[name]).Dispose();
        }
        catch (InvalidPeftException e)
        {
            e.Message.ShouldNotBeEmpty();
        }
    }

    private static LoraAdapter Load(string folder)
    {
        using var peft = PeftAdapter.Open(folder, Base, MaxRank);
        return peft.Load(torch.ScalarType.Float32, torch.CPU, NoBase);
    }

    // Plain LoRA is loaded without a look at the base.
    private static torch.Tensor NoBase(string name) => throw new InvalidOperationException(name);

    private static ModelModules Modules(string model) => ModelConfig.Load(GoldenData.Path("checkpoints", model)).Modules(model);

    private static TheoryData<string, T> Cases<T>(string kind, string field, Func<JsonElement, T> read)
    {
        var cases = new TheoryData<string, T>();
        foreach (var row in GoldenData.Json("uploads.json").EnumerateArray().Where(row => row.GetProperty("kind").GetString() == kind))
            cases.Add(row.GetProperty("case").GetString()!, read(row.GetProperty(field)));
        return cases;
    }
}
