using System.Text;
using FsCheck.Xunit;
using LoraServe.Engine.Peft;
using LoraServe.Tests;
using Shouldly;
using Xunit;

namespace LoraServe.Engine.Tests.Peft;

public class PeftConfigReaderTests
{
    [Fact]
    public void Read_MinimalConfig_HasPeftsDefaults()
    {
        var config = Read("""{"peft_type":"LORA","target_modules":["q_proj"]}""");

        config.Rank.ShouldBe(8);
        config.Alpha.ShouldBe(8);
        config.UsesRsLora.ShouldBeFalse();
        config.ScalingOf("q_proj").ShouldBe(1);
    }

    [Fact]
    public void ScalingOf_PatternsAndRsLora_UsesTheFirstPatternThatMatches()
    {
        var config = Read(
            """
            {"peft_type":"LORA","r":4,"lora_alpha":2.5,"use_rslora":true,"target_modules":"all-linear",
             "rank_pattern":{"up_proj":9,"layers.0.mlp.up_proj":16},"alpha_pattern":{"q_proj":6}}
            """);

        config.RankOf("model.layers.0.mlp.up_proj").ShouldBe(9);
        config.ScalingOf("model.layers.0.mlp.up_proj").ShouldBe(2.5 / 3, 1e-12);
        config.ScalingOf("model.layers.0.self_attn.q_proj").ShouldBe(3, 1e-12);
        config.ScalingOf("model.layers.0.mlp.gate_proj").ShouldBe(1.25, 1e-12);
    }

    [Theory]
    [InlineData("{")]
    [InlineData("\"text\"")]
    [InlineData("""{"r":4,"r":5}""")]
    [InlineData("""{"peft_type":7}""")]
    [InlineData("""{"peft_type":"LORA","r":"four"}""")]
    [InlineData("""{"peft_type":"LORA","r":true}""")]
    [InlineData("""{"peft_type":"LORA","lora_alpha":[1]}""")]
    [InlineData("""{"peft_type":"LORA","use_rslora":"yes"}""")]
    [InlineData("""{"peft_type":"LORA","target_modules":5}""")]
    [InlineData("""{"peft_type":"LORA","target_modules":["q_proj",5]}""")]
    [InlineData("""{"peft_type":"LORA","exclude_modules":{}}""")]
    [InlineData("""{"peft_type":"LORA","layers_to_transform":["a"]}""")]
    [InlineData("""{"peft_type":"LORA","layers_pattern":[1]}""")]
    [InlineData("""{"peft_type":"LORA","rank_pattern":[]}""")]
    [InlineData("""{"peft_type":"LORA","rank_pattern":{"q_proj":"8"}}""")]
    [InlineData("""{"peft_type":"LORA","init_lora_weights":3}""")]
    [InlineData("""{"peft_type":"LORA","use_dora":"yes"}""")]
    [InlineData("""{"peft_type":"LORA","bias":true}""")]
    [InlineData("""{"peft_type":"LORA","modules_to_save":"lm_head"}""")]
    [InlineData("""{"peft_type":"LORA","modules_to_save":[1]}""")]
    [InlineData("""{"peft_type":"LORA","trainable_token_indices":"all"}""")]
    [InlineData("""{"peft_type":"LORA","trainable_token_indices":{"embed_tokens":5}}""")]
    [InlineData("""{"peft_type":"LORA","alora_invocation_tokens":["a"]}""")]
    [InlineData("""{"peft_type":"\ud800"}""")]
    [InlineData("""{"\udc00":1}""")]
    public void Read_WrongJsonOrType_IsMalformed(string json)
    {
        var e = Should.Throw<InvalidPeftException>(() => Read(json));

        e.Malformed.ShouldNotBeEmpty();
        e.Malformed.ShouldAllBe(fault => fault.StartsWith("adapter_config.json: "));
    }

    [Fact]
    public void Read_HalfOfASurrogatePair_NamesItsPlace() =>
        Should.Throw<InvalidPeftException>(() => Read("""{"peft_type":"LORA","target_modules":["q_proj","\ud800"]}"""))
            .Malformed.ShouldHaveSingleItem().ShouldBe("adapter_config.json: target_modules[1]: is not valid Unicode: half of a surrogate pair");

    [Theory]
    [InlineData("SEQ_2_SEQ_LM")]
    [InlineData("FEATURE_EXTRACTION")]
    public void Read_TaskTypeOfAnotherKind_IsAWarning(string kind)
    {
        var faults = new PeftFaults();

        PeftConfigReader.Read(Encoding.UTF8.GetBytes($$"""{"peft_type":"LORA","task_type":"{{kind}}"}"""), faults);

        faults.Any.ShouldBeFalse();
        faults.Warnings.ShouldHaveSingleItem().ShouldContain($"made for {kind}");
    }

    [Theory]
    [InlineData(""" "true" """)]
    [InlineData(""" "False" """)]
    [InlineData(""" "gaussian" """)]
    public void Read_InitAsText_IsTakenWhereTheBaseStayedAsItWas(string init)
    {
        var faults = new PeftFaults();

        PeftConfigReader.Read(Encoding.UTF8.GetBytes($$"""{"peft_type":"LORA","init_lora_weights":{{init}}}"""), faults);

        faults.Any.ShouldBeFalse();
    }

    [Theory]
    [InlineData("""{}""", "peft_type")]
    [InlineData("""{"peft_type":"IA3"}""", "peft_type")]
    [InlineData("""{"peft_type":"LORA","bias":"some"}""", "bias: expected none, all or lora_only")]
    [InlineData("""{"peft_type":"LORA","lora_bias":true,"use_dora":true}""", "lora_bias")]
    [InlineData("""{"peft_type":"LORA","alora_invocation_tokens":[1],"use_dora":true,"bias":"all"}""", "found use_dora, bias too")]
    [InlineData("""{"peft_type":"LORA","alora_invocation_tokens":[99999999999]}""", "alora_invocation_tokens: expected whole numbers")]
    [InlineData("""{"peft_type":"LORA","trainable_token_indices":{"embed_tokens":[1.5]}}""", "'embed_tokens': expected whole numbers")]
    [InlineData("""{"peft_type":"LORA","target_parameters":["a"]}""", "LoRA on bare parameters")]
    [InlineData("""{"peft_type":"LORA","layer_replication":[[0,2]]}""", "merge the adapter with PEFT")]
    [InlineData("""{"peft_type":"LORA","init_lora_weights":"olora"}""", "path_initial_model_for_weight_conversion")]
    [InlineData("""{"peft_type":"LORA","use_bdlora":{"a":1}}""", "block-diagonal")]
    [InlineData("""{"peft_type":"LORA","arrow_config":{"a":1}}""", "Arrow")]
    [InlineData("""{"peft_type":"LORA","init_lora_weights":"pissa_niter_16"}""", "pissa_niter_16")]
    [InlineData("""{"peft_type":"LORA","init_lora_weights":"new"}""", "'new'")]
    [InlineData("""{"peft_type":"LORA","r":0}""", "r: expected a positive")]
    [InlineData("""{"peft_type":"LORA","r":99999999999}""", "r: expected a positive")]
    [InlineData("""{"peft_type":"LORA","r":1.5}""", "r: expected a positive")]
    [InlineData("""{"peft_type":"LORA","rank_pattern":{"q_proj":0}}""", "rank_pattern: 'q_proj'")]
    [InlineData("""{"peft_type":"LORA","alpha_pattern":{"(":1}}""", "alpha_pattern: '('")]
    [InlineData("""{"peft_type":"LORA","lora_alpha":-1e400}""", "lora_alpha: expected a finite")]
    [InlineData("""{"peft_type":"LORA","target_modules":".*","layers_to_transform":[1]}""", "layers_to_transform")]
    [InlineData("""{"peft_type":"LORA","exclude_modules":"("}""", "exclude_modules")]
    [InlineData("""{"peft_type":"LORA","novelty":"x"}""", "novelty")]
    public void Read_WhatCannotBeServed_IsIncompatible(string json, string named)
    {
        var e = Should.Throw<InvalidPeftException>(() => Read(json));

        e.Malformed.ShouldBeEmpty();
        e.Incompatible.ShouldHaveSingleItem().ShouldContain(named);
    }

    [Fact]
    public void Read_SeveralFaults_NamesThemAll()
    {
        var e = Should.Throw<InvalidPeftException>(() => Read("""{"peft_type":"LORA","r":"x","lora_alpha":"y","use_qalora":true,"bias":"some"}"""));

        e.Malformed.Count.ShouldBe(2);
        e.Incompatible.Count.ShouldBe(2);
    }

    [Fact]
    public void Read_ManyRegularExpressions_AreRefusedBeforeTheyCostTime()
    {
        var patterns = string.Join(',', Enumerable.Range(0, 1000).Select(i => $"\"(.*[a-m].{{9}}|.*[n-z].{{9}}){{1,30}}{i}\":4"));

        Should.Throw<InvalidPeftException>(() => Read($$$"""{"peft_type":"LORA","rank_pattern":{ {{{patterns}}} }}""")).Message.ShouldContain("together");
    }

    [Fact]
    public void Read_APatternForEachModule_IsNotTooMany()
    {
        var patterns = string.Join(',', Enumerable.Range(0, 600).Select(i => $"\"model.layers.{i}.mlp.up_proj\":{i + 1}"));

        Read($$$"""{"peft_type":"LORA","rank_pattern":{ {{{patterns}}} }}""").RankOf("model.layers.599.mlp.up_proj").ShouldBe(600);
    }

    [Property(MaxTest = 2000)]
    public void Read_MutatedConfig_ThrowsNothingElse(ushort position, byte value)
    {
        var bytes = File.ReadAllBytes(GoldenData.Path("adapters", "llama-gqa", "rank-and-alpha-pattern", "adapter_config.json"));
        bytes[position % bytes.Length] = value;

        Should.NotThrow(() => PeftConfigReader.Read(bytes, new PeftFaults()));
    }

    private static PeftConfig Read(string json)
    {
        var faults = new PeftFaults();
        var config = PeftConfigReader.Read(Encoding.UTF8.GetBytes(json), faults);
        faults.ThrowIfAny();
        return config!;
    }
}
