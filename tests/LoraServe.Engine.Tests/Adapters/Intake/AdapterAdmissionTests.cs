using LoraServe.Engine.Adapters.Catalog;
using LoraServe.Engine.Adapters.Intake;
using LoraServe.Engine.Lora;
using LoraServe.Engine.Tests.Peft;
using Shouldly;
using TorchSharp;
using Xunit;

namespace LoraServe.Engine.Tests.Adapters.Intake;

public class AdapterAdmissionTests
{
    [Fact]
    public void Open_DoraWhoseMagnitudesAreTheNorms_HasNoEffect()
    {
        using var folder = new PeftFolder("llama-gqa", "dora-r4").Zero("lora_B");
        foreach (var name in folder.Tensors.Keys.Where(name => name.EndsWith("lora_magnitude_vector")).ToList())
            folder.Add(name, folder.BaseTensor(name.Replace("lora_magnitude_vector", "weight")).norm(1));

        ShouldHaveNoEffect(folder);
    }

    [Fact]
    public void Open_DoraWithOtherMagnitudes_HasAnEffect()
    {
        using var folder = new PeftFolder("llama-gqa", "dora-r4").Zero("lora_B");

        Admission(folder).Open(folder.Write().Path).Dispose();
    }

    [Fact]
    public void Open_BiasesOfTheBase_HaveNoEffect()
    {
        using var folder = new PeftFolder("llama-bias-untied", "bias-all").Zero("lora_B");
        foreach (var name in folder.Tensors.Keys.Where(name => name.EndsWith("base_layer.bias")).ToList())
            folder.Add(name, folder.BaseTensor(name.Replace("base_layer.", "")));

        ShouldHaveNoEffect(folder);
    }

    [Fact]
    public void Open_SavedModulesOfTheBase_HaveNoEffect()
    {
        using var folder = new PeftFolder("llama-bias-untied", "modules-to-save-head-and-norm").Zero("lora_B");
        foreach (var name in folder.Tensors.Keys.Where(name => !name.Contains("lora_")).ToList()) folder.Add(name, folder.BaseTensor(name));

        ShouldHaveNoEffect(folder);
    }

    [Fact]
    public void Open_TokenRowsOfTheBase_HaveNoEffect()
    {
        using var folder = new PeftFolder("llama-gqa", "trainable-tokens").Zero("lora_B");
        using var ids = torch.tensor(new long[] { 5, 17, 140 });
        folder.Add("model.embed_tokens.token_adapter.trainable_tokens_delta", folder.BaseTensor("model.embed_tokens.weight").index_select(0, ids));

        ShouldHaveNoEffect(folder);
    }

    [Theory]
    [InlineData("llama-gqa", "trainable-tokens")]
    [InlineData("llama-gqa", "modules-to-save-norm")]
    [InlineData("llama-bias-untied", "bias-lora-only")]
    [InlineData("llama-bias-untied", "lora-bias")]
    public void Open_LowRankZeroButNotTheRest_HasAnEffect(string model, string adapter)
    {
        using var folder = new PeftFolder(model, adapter).Zero("lora_B.weight");

        Admission(folder).Open(folder.Write().Path).Dispose();
    }

    [Theory]
    [InlineData("llama-gqa", "embeddings", "model.embed_tokens.base_layer.weight")]
    [InlineData("llama-bias-untied", "head", "lm_head.base_layer.weight")]
    public void Open_CopyThatIsNotTheBases_IsRefused(string model, string adapter, string copy)
    {
        using var folder = new PeftFolder(model, adapter);
        Admission(folder).Open(folder.Write().Path).Dispose();
        folder.Tensors[copy].view(-1)[^1].add_(1);

        Refusal(folder).ShouldBe($"adapter_model.safetensors: 'base_model.model.{copy}' is not the base's own: the adapter was made on another base");
    }

    [Fact]
    public void Open_OriginalModuleThatIsNotTheBases_IsRefused()
    {
        using var folder = new PeftFolder("llama-gqa", "modules-to-save-norm");
        folder.Rename("model.norm.weight", "model.norm.modules_to_save.default.weight");
        folder.Add("model.norm.original_module.weight", torch.ones(64) * 3);

        Refusal(folder).ShouldContain("original_module.weight' is not the base's own");
    }

    [Theory]
    [InlineData("llama-gqa", "embeddings", "model.embed_tokens.weight")]
    [InlineData("llama-bias-untied", "head", "lm_head.weight")]
    public void Open_CopyOfTheBases_LeavesNoTensorBehind(string model, string adapter, string name)
    {
        using var folder = new PeftFolder(model, adapter);
        using var own = folder.BaseTensor(name);
        var admission = new AdapterAdmission(
            folder.Modules, asked => asked == name ? own : throw new KeyNotFoundException(asked), maxRank: 256, torch.ScalarType.Float32);
        folder.Write();
        var statistics = DisposeScopeManager.Statistics;
        statistics.Reset();

        admission.Open(folder.Path).Dispose();

        statistics.ThreadTotalLiveCount.ShouldBe(0);
    }

    [Fact]
    public void Check_EachForm_IsDescribed()
    {
        using var saved = new PeftFolder("llama-bias-untied", "modules-to-save-head-and-norm");
        using var dora = new PeftFolder("llama-gqa", "dora-r4");
        using var activated = new PeftFolder("llama-gqa", "activated");

        Check(saved).SavedModules.ShouldContain("lm_head");
        Check(saved).Parameters.ShouldBe(saved.Tensors.Values.Sum(tensor => tensor.numel()));
        Check(dora).UsesDora.ShouldBeTrue();
        Check(activated).InvocationTokens.ShouldBe([7, 300, 9]);

        static AdapterInfo Check(PeftFolder folder) => Admission(folder).Check("some", folder.Write().Path, default);
    }

    private static void ShouldHaveNoEffect(PeftFolder folder)
    {
        Refusal(folder).ShouldContain("act as the bare base model");
        Admission(folder).Open(folder.Path, allowNoEffect: true).Dispose();
        using var loaded = folder.Load();
        LoraIdentity.Is(loaded, folder.BaseTensor).ShouldBeTrue();
    }

    private static string Refusal(PeftFolder folder) =>
        Should.Throw<InvalidAdapterException>(() => Admission(folder).Open(folder.Write().Path)).Message;

    private static AdapterAdmission Admission(PeftFolder folder) => new(folder.Modules, folder.BaseTensor, maxRank: 256, torch.ScalarType.Float32);
}
