(** * Lipschitz composition

    Statement.   The Lipschitz constants of layers multiply under composition, whatever spaces the layers lead through.
                 ReLU is 1-Lipschitz, on the numbers and on R^n; a residual block y + h f(y) has 1 + hK; W₂ ∘ σ ∘ W₁
                 has ‖W₂‖‖W₁‖; a compression P ∘ A ∘ E has at most the constant of A. Chains of multiples attain the
                 product; for other networks it may be far too large.
    Assumptions. any normed spaces; each layer is Lipschitz with the constant given for it, which is at least 0; h ≥ 0;
                 W₁, W₂ are linear with ‖Wu‖ ≤ c‖u‖; P and E are 1-Lipschitz
    Source.      the paper's (12); theory, sections 2 and 5
    Verdict.     proved as stated
    Theorems.    composition, constants_multiply, layers_multiply, relu_is_lipschitz, relu_on_coordinates,
                 residual_block, two_layers, compression, zero_padding, product_is_attained, relu_attains,
                 product_is_not_always_attained *)

From Coq Require Import Reals Lra Psatz List.
From Coq Require Fin.
From NatrobProofs Require Import normed_space inner_product_space lipschitz_maps pair_space.
From NatrobProofs Require Import coordinates euclidean_space.
Import ListNotations.
Open Scope R_scope.
Open Scope vector_scope.

(** ** Composition *)

Theorem composition : forall (U V W : NormedSpace) (f : U -> V) (g : V -> W) K L,
  0 <= L -> lipschitz_map f K -> lipschitz_map g L -> lipschitz_map (fun y => g (f y)) (L * K).
Proof.
  intros U V W f g K L nonnegative inner outer z y.
  (* ‖g(f(z)) − g(f(y))‖ ≤ L‖f(z) − f(y)‖ ≤ LK‖z − y‖ *)
  apply Rle_trans with (L * ‖f z ⊖ f y‖); [apply outer|].
  rewrite Rmult_assoc. apply Rmult_le_compat_l; [assumption|apply inner].
Qed.

(** A network is a chain of layers, each with its constant; the spaces between them may differ. *)
Inductive network : NormedSpace -> NormedSpace -> Type :=
  | no_layer (V : NormedSpace) : network V V
  | layer_first (U V W : NormedSpace) (f : U -> V) (K : R) (rest : network V W) : network U W.

Fixpoint evaluate {U W} (n : network U W) : U -> W :=
  match n with
  | no_layer V => fun y => y
  | layer_first U V W f K rest => fun y => evaluate rest (f y)
  end.

Fixpoint product_of_constants {U W} (n : network U W) : R :=
  match n with
  | no_layer V => 1
  | layer_first U V W f K rest => product_of_constants rest * K
  end.

Fixpoint constants_hold {U W} (n : network U W) : Prop :=
  match n with
  | no_layer V => True
  | layer_first U V W f K rest => 0 <= K /\ lipschitz_map f K /\ constants_hold rest
  end.

Lemma product_of_constants_nonnegative : forall U W (n : network U W),
  constants_hold n -> 0 <= product_of_constants n.
Proof.
  intros U W n. induction n as [V|U V W f K rest step]; simpl; [intro; lra|].
  intros [nonnegative [_ others]]. apply Rmult_le_pos; auto.
Qed.

(** (12) *)
Theorem constants_multiply : forall U W (n : network U W),
  constants_hold n -> lipschitz_map (evaluate n) (product_of_constants n).
Proof.
  intros U W n. induction n as [V|U V W f K rest step]; simpl.
  - intros _. apply lipschitz_identity.
  - intros [nonnegative [first others]].
    apply composition; [apply product_of_constants_nonnegative|..]; auto.
Qed.

(** The same for a list of layers on one space: the last of the list acts first. *)
Corollary layers_multiply : forall (V : NormedSpace) (layers : list ((V -> V) * R)),
  Forall (fun layer => 0 <= snd layer /\ lipschitz_map (fst layer) (snd layer)) layers ->
  lipschitz_map (fun y => fold_right (fun layer => fst layer) y layers)
    (fold_right (fun layer => Rmult (snd layer)) 1 layers).
Proof.
  intros V layers constants.
  induction constants as [|layer rest [nonnegative constant] others step]; simpl.
  - apply lipschitz_identity.
  - apply (composition V V V (fun y => fold_right (fun l => fst l) y rest) (fst layer)); assumption.
Qed.

(** ** Activations *)

Definition relu (t : R) : R := Rmax 0 t.

Theorem relu_is_lipschitz : forall s t, Rabs (relu s - relu t) <= Rabs (s - t).
Proof.
  intros s t. unfold relu, Rmax.
  destruct (Rle_dec 0 s), (Rle_dec 0 t); unfold Rabs; repeat destruct Rcase_abs; lra.
Qed.

Lemma sum_monotone : forall n (u v : coordinates n), (forall i, u i <= v i) -> sum u <= sum v.
Proof.
  induction n as [|n step]; intros u v below; simpl; [lra|].
  apply Rplus_le_compat; [apply below|]. apply step. intro i. apply below.
Qed.

(** A function that is 1-Lipschitz on the numbers is so in every coordinate of R^n … *)
Lemma coordinatewise_is_lipschitz : forall (sigma : R -> R) n,
  (forall s t, Rabs (sigma s - sigma t) <= Rabs (s - t)) ->
  lipschitz_map (V := euclidean_space n) (W := euclidean_space n) (fun u i => sigma (u i)) 1.
Proof.
  intros sigma n constant z y. rewrite Rmult_1_l.
  change (sqrt (sum (fun i => (sigma (z i) + - sigma (y i)) ^ 2)) <= sqrt (sum (fun i => (z i + - y i) ^ 2))).
  apply sqrt_le_1_alt, sum_monotone. intro i.
  rewrite <- !Rsqr_pow2. apply Rsqr_le_abs_1, constant.
Qed.

(** … ReLU among them. *)
Corollary relu_on_coordinates : forall n,
  lipschitz_map (V := euclidean_space n) (W := euclidean_space n) (fun u i => relu (u i)) 1.
Proof.
  intro n. apply coordinatewise_is_lipschitz, relu_is_lipschitz.
Qed.

(** ** Blocks *)

(** ‖e + h(f(z) − f(y))‖ ≤ ‖e‖ + hK‖e‖ *)
Theorem residual_block : forall (V : NormedSpace) (f : V -> V) h K,
  0 <= h -> lipschitz_map f K -> lipschitz_map (fun y => y ⊕ h • f y) (1 + h * K).
Proof.
  intros V f h K nonnegative constant z y.
  replace ((z ⊕ h • f z) ⊖ (y ⊕ h • f y)) with ((z ⊖ y) ⊕ h • (f z ⊖ f y)) by vector.
  eapply Rle_trans; [apply norm_triangle|]. rewrite norm_scale, Rabs_pos_eq by assumption.
  pose proof (Rmult_le_compat_l h _ _ nonnegative (constant z y)). lra.
Qed.

Definition linear {V W : NormedSpace} (A : V -> W) : Prop :=
  (forall u v, A (u ⊕ v) = A u ⊕ A v) /\ (forall a u, A (a • u) = a • A u).

Lemma bounded_linear_map : forall (V W : NormedSpace) (A : V -> W) c,
  linear A -> (forall u, ‖A u‖ <= c * ‖u‖) -> lipschitz_map A c.
Proof.
  intros V W A c [additive homogeneous] bound z y.
  replace (A z ⊖ A y) with (A (z ⊖ y)); [apply bound|].
  rewrite additive, !opposite_is_scale, homogeneous. reflexivity.
Qed.

(** Biases change no difference. *)
Lemma affine_map : forall (V W : NormedSpace) (A : V -> W) c bias,
  lipschitz_map A c -> lipschitz_map (fun y => A y ⊕ bias) c.
Proof.
  intros V W A c bias constant z y.
  replace ((A z ⊕ bias) ⊖ (A y ⊕ bias)) with (A z ⊖ A y) by vector. apply constant.
Qed.

(** W₂σ(W₁y + b₁) + b₂ *)
Theorem two_layers : forall (U V W : NormedSpace) (W1 : U -> V) (W2 : V -> W) (sigma : V -> V) b1 b2 c1 c2,
  0 <= c1 -> 0 <= c2 -> linear W1 -> linear W2 ->
  (forall u, ‖W1 u‖ <= c1 * ‖u‖) -> (forall u, ‖W2 u‖ <= c2 * ‖u‖) -> lipschitz_map sigma 1 ->
  lipschitz_map (fun y => W2 (sigma (W1 y ⊕ b1)) ⊕ b2) (c2 * c1).
Proof.
  intros U V W W1 W2 sigma b1 b2 c1 c2 nonnegative1 nonnegative2 linear1 linear2 bound1 bound2 activation.
  replace (c2 * c1) with (product_of_constants
    (layer_first U V W (fun y => W1 y ⊕ b1) c1 (layer_first V V W sigma 1
      (layer_first V W W (fun y => W2 y ⊕ b2) c2 (no_layer W))))) by (simpl; ring).
  apply (constants_multiply U W (layer_first U V W (fun y => W1 y ⊕ b1) c1 (layer_first V V W sigma 1
      (layer_first V W W (fun y => W2 y ⊕ b2) c2 (no_layer W))))).
  simpl. repeat split; auto using affine_map, bounded_linear_map; lra.
Qed.

(** ** Compression *)

Theorem compression : forall (U V W X : NormedSpace) (E : U -> V) (A : V -> W) (P : W -> X) c,
  0 <= c -> lipschitz_map E 1 -> lipschitz_map P 1 -> lipschitz_map A c ->
  lipschitz_map (fun y => P (A (E y))) c.
Proof.
  intros U V W X E A P c nonnegative extension restriction constant.
  replace c with (1 * (c * 1)) by ring.
  apply (composition U W X (fun y => A (E y)) P); [lra| |assumption].
  apply composition; assumption.
Qed.

(** Padding with zeros and cutting the padding off: the image is V, the padding is W. So an operator on the padded
    image, such as a convolution on the torus, has no smaller constant than what is left of it on the image. *)
Theorem zero_padding : forall (V W : NormedSpace) (A : pair_space V W -> pair_space V W) c,
  0 <= c -> lipschitz_map A c -> lipschitz_map (fun y : V => fst (A (y, zero))) c.
Proof.
  intros V W A c nonnegative constant.
  apply (compression V (pair_space V W) (pair_space V W) V (fun y => (y, zero)) A fst); try assumption.
  - intros z y. change (norm2 (‖z ⊖ y‖) (‖(zero : W) ⊖ zero‖) <= 1 * ‖z ⊖ y‖).
    rewrite add_opposite, norm_zero. pose proof (norm_nonnegative V (z ⊖ y)). apply norm2_below; nra.
  - intros z y. change (‖fst z ⊖ fst y‖ <= 1 * norm2 (‖fst z ⊖ fst y‖) (‖snd z ⊖ snd y‖)).
    rewrite Rmult_1_l. apply below_norm2.
    pose proof (Rle_0_sqr (‖snd z ⊖ snd y‖)) as square. unfold Rsqr in square. lra.
Qed.

(** ** The product is attained, and not always *)

(** Layers that multiply by numbers K ≥ 0 *)
Fixpoint multiples (V : NormedSpace) (constants : list R) : network V V :=
  match constants with
  | [] => no_layer V
  | K :: rest => layer_first V V V (fun y => K • y) K (multiples V rest)
  end.

Theorem product_is_attained : forall (V : NormedSpace) constants,
  Forall (fun K => 0 <= K) constants ->
  constants_hold (multiples V constants) /\
  forall z y, ‖evaluate (multiples V constants) z ⊖ evaluate (multiples V constants) y‖
    = product_of_constants (multiples V constants) * ‖z ⊖ y‖.
Proof.
  intros V constants nonnegative. induction nonnegative as [|K rest positive others [hold attained]]; simpl.
  - split; [exact I|]. intros z y. ring.
  - assert (forall z y : V, ‖K • z ⊖ K • y‖ = K * ‖z ⊖ y‖) as one_layer.
    { intros z y. replace (K • z ⊖ K • y) with (K • (z ⊖ y)) by vector. rewrite norm_scale, Rabs_pos_eq; auto. }
    split.
    + repeat split; auto. intros z y. rewrite one_layer. apply Rle_refl.
    + intros z y. rewrite attained, one_layer. ring.
Qed.

(** With ReLU: w₂ relu(w₁ y) attains w₂w₁ on positive inputs … *)
Theorem relu_attains : forall w1 w2 s t, 0 <= w1 -> 0 <= w2 -> 0 <= s -> 0 <= t ->
  Rabs (w2 * relu (w1 * s) - w2 * relu (w1 * t)) = w2 * w1 * Rabs (s - t).
Proof.
  intros w1 w2 s t nonnegative1 nonnegative2 s_nonnegative t_nonnegative.
  unfold relu. rewrite !Rmax_right by (apply Rmult_le_pos; assumption).
  replace (w2 * (w1 * s) - w2 * (w1 * t)) with (w2 * w1 * (s - t)) by ring.
  rewrite Rabs_mult, (Rabs_pos_eq (w2 * w1)); [reflexivity|]. apply Rmult_le_pos; assumption.
Qed.

(** … and relu(−relu(y)), with the product 1 · 1 · 1, is constant. *)
Theorem product_is_not_always_attained : forall t, relu (- 1 * relu t) = 0.
Proof.
  intro t. unfold relu. apply Rmax_left. pose proof (Rmax_l 0 t). lra.
Qed.
